"""Runway as seen from here: the client, and its errors sorted by consequence."""
