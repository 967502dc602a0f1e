"""Requests of published samples for Runway's API, and rules that their documentation states, tested against Tarmac.

Each request (`requests.py`) is made in the sample's spelling and in the contract's: older samples use other names for
some parameters. docs/deviations-from-runway.md lists where and why Tarmac deviates.
"""
