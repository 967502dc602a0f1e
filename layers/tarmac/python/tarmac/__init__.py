"""The domain of Tarmac: all that a function, a test or the command line shares.

How a request becomes an archived file, in modules: `http_api` and `contract` read it, `rules` judge it, `steps`
carry it (accept, submit, poll, finish, cancel), `runway` and `adapters` reach the outside, `effects` hands those in.
Imports flow one way: steps → rules and ports; adapters implement ports; rules import nothing but each other.
"""

VERSION = "0.1.0"
