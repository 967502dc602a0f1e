"""The `tarmac` command, the local stack that runs Tarmac on one machine, and the checks of the templates.

The package is installed under this top-level name, `local`, for the command only. Nothing in it runs on AWS.
"""
