"""The ports on AWS, one service a module, and the wiring of a function's effects."""
