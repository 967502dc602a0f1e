"""The commands of `tarmac` that use a deployed stack, on this machine or on AWS."""
