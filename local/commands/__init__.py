"""The commands of `tarmac` that talk to a deployed stack, on this machine or on AWS."""
