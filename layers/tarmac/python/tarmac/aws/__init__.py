"""Adapters that implement the ports on AWS, and the wiring of a function's effects."""
