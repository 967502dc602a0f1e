"""The modules of the layer that hold rules: no I/O, no clock, no environment. Mutation testing covers them."""

from __future__ import annotations

RULES = (
    "backoff",
    "ids",
    "requests.conditions",
    "requests.object_links",
    "requests.text_fields",
    "requests.media",
    "requests.paging",
    "requests.prices",
    "requests.spellings",
    "requests.validation",
    "requests.webhook_url",
    "media.keys",
    "media.source_metadata",
    "characters.specs",
    "characters.kinds",
    "characters.references",
    "tasks.failures",
    "tasks.moves",
    "tasks.pacing",
    "tasks.usage_totals",
    "tasks.webhook",
    "sessions.client_tokens",
    "sessions.moves",
    "sessions.requests",
    "inbox.batch",
    "inbox.keys",
    "inbox.request_files",
    "webhooks.retries",
    "webhooks.signing",
)
"""Below `tarmac`. `make mutation` mutates each of these."""

OTHER_PURE = (
    "notices",
    "outcome",
    "rows",
    "requests.strict_json",
    "tasks.notices",
    "tasks.responses",
    "tasks.task",
    "sessions.errors",
    "sessions.notices",
    "sessions.session",
    "inbox.notices",
)
"""Also free of I/O, but shapes rather than rules."""
