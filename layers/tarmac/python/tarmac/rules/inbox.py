"""What a key of the upload bucket says: which door an object stands at, and what belongs together."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

INBOX = "inbox/"
PRESETS = "presets/"
PAIRED = "character_performance"
"""The operation that two objects start together."""

_PAIR = re.compile(r"(?P<name>.+)\.(?P<part>character|reference)\.[^./]+", re.IGNORECASE)


class Form(StrEnum):
    """What an object is to Tarmac."""

    MEDIA = "media"
    REQUEST = "json"
    LINES = "jsonl"
    TABLE = "csv"
    PRESET = "preset"
    NOTHING = "nothing"

    @property
    def is_batch(self) -> bool:
        return self in (Form.LINES, Form.TABLE)


@dataclass(frozen=True, slots=True)
class PairPart:
    """One half of a pair: `take1.character.png`. `pair` is the same for both halves, `part` says which one."""

    pair: str
    part: str

    @property
    def other(self) -> str:
        return "reference" if self.part == "character" else "character"


def form_of(key: str) -> Form:
    """By prefix and extension, whatever its case. A console's folder is an object too, and nothing."""
    if key.endswith("/"):
        return Form.NOTHING
    if key.startswith(PRESETS):
        return Form.PRESET
    if not key.startswith(INBOX):
        return Form.NOTHING
    extension = key.rpartition("/")[2].rpartition(".")[2].lower()
    return {"json": Form.REQUEST, "jsonl": Form.LINES, "csv": Form.TABLE}.get(extension, Form.MEDIA)


def preset_names(key: str) -> tuple[str, ...]:
    """The names of the preset that an object of the inbox would use: the first folder, and that in the other forms of
    Unicode, since a Mac writes `ü` as two characters where others write one."""
    folder, slash, _ = key.removeprefix(INBOX).partition("/")
    if not (slash and folder):
        return ()
    forms = (folder, unicodedata.normalize("NFC", folder), unicodedata.normalize("NFD", folder))
    return tuple(dict.fromkeys(forms))


def pair_part(key: str) -> PairPart | None:
    """Which half of which pair a name says that it is."""
    folder, _, name = key.rpartition("/")
    match = _PAIR.fullmatch(name)
    if match is None:
        return None
    pair = unicodedata.normalize("NFC", f"{folder}/{match['name']}")
    return PairPart(pair, match["part"].lower())


def is_older(sequencer: str, than: str) -> bool:
    """Whether an event of a key came before another of the same key: hexadecimal numbers, of any length."""
    width = max(len(sequencer), len(than))
    return sequencer.rjust(width, "0").upper() < than.rjust(width, "0").upper()
