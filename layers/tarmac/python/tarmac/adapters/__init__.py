"""The ports on AWS, each over one service. Nothing here decides."""
