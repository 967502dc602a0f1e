"""Methods of the SDKs that no case covers, each with its reason; in Python's spelling.

The test of what is covered fails on a method that is neither covered nor named here, and on a name that is both, or
that an SDK no longer has.
"""

from __future__ import annotations

from typing import Final

_CHARACTERS = "tests/conformance/characters.py, against the simulator alone"
_SESSIONS = "tests/conformance/sessions.py, against the simulator alone"

NOT_ANSWERED: Final = {
    "avatars.create": _CHARACTERS,
    "avatars.delete": _CHARACTERS,
    "avatars.get_usage": _SESSIONS,
    "avatars.list": _CHARACTERS,
    "avatars.retrieve": _CHARACTERS,
    "avatars.update": _CHARACTERS,
    "avatar_conversations.delete": _SESSIONS,
    "avatar_conversations.list": _SESSIONS,
    "avatar_conversations.retrieve": _SESSIONS,
    "documents.create": _CHARACTERS,
    "documents.delete": _CHARACTERS,
    "documents.list": _CHARACTERS,
    "documents.retrieve": _CHARACTERS,
    "documents.update": _CHARACTERS,
    "realtime_sessions.create": _SESSIONS,
    "realtime_sessions.delete": _SESSIONS,
    "realtime_sessions.retrieve": _SESSIONS,
    "voices.create": _CHARACTERS,
    "voices.delete": _CHARACTERS,
    "voices.list": _CHARACTERS,
    "voices.preview": _CHARACTERS,
    "voices.retrieve": _CHARACTERS,
    "voices.update": _CHARACTERS,
}
"""What Tarmac does not offer."""

NOT_IN_NODE: Final = {
    "video_to_audio.create": "came to Python's SDK first",
}
"""What only Python's SDK has."""
