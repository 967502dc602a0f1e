"""What no test of behaviour would notice: is the deployment well formed, and does it keep this project's habits?

Run all of it with `python -m local.checks`.
"""
