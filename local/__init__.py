"""The embedded default: everything that runs Tarmac on one's own machine. Nothing here is ever deployed."""
