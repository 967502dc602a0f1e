"""Webhooks: signing, retries and delivery."""
