"""Static checks of the templates and the state machines: valid for AWS, and by this project's conventions.

`python -m local.checks` runs all of them.
"""
