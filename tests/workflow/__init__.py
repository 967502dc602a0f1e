"""The generation machine: its definition as a text with rules, and the states that executions really visit."""
