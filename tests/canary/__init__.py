"""Leaks: the tests plant secrets and prompts and search for them wherever the product writes."""
