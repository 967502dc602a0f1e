"""The whole stack from outside: `make up` in a folder of its own, real HTTP, the simulator as Runway.

Every test has prompts, keys and object names of its own, so all of them share one stack and run beside each other.
"""
