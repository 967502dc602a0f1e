"""Methods of the SDKs that no case covers, each with its reason; in Python's spelling.

The test of what is covered fails on a method that is neither covered nor named here, and on a name that is both, or
that an SDK no longer has.
"""

from __future__ import annotations

from typing import Final

NOT_ANSWERED: Final[dict[str, str]] = {}
"""What Tarmac does not offer."""

NOT_IN_NODE: Final = {
    "video_to_audio.create": "came to Python's SDK first",
}
"""What only Python's SDK has."""
