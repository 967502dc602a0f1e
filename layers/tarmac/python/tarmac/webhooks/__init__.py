"""Webhooks: signing, delivery and retries."""
