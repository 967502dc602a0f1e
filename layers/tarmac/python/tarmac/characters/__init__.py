"""Avatars, documents, voices and conversations, and the clients that own them."""
