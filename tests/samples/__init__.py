"""What published samples for Runway's API send, and the rules that their documents state, held against Tarmac.

Requests are tables (`requests.py`), sent in the sample's own words and in the contract's: older samples have other
names for some parameters. Where Tarmac deviates from such a document, README.md says why.
"""
