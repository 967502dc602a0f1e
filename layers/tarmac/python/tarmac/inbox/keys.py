"""Keys of the upload bucket: how an object is used, its pair and preset, and the ids that are derived from its key."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from tarmac.clock import to_iso
from tarmac.ids import derived_id

INBOX = "inbox/"
PRESETS = "presets/"
PAIRED_OPERATION = "character_performance"
"""The operation that a pair of objects starts."""

_PAIR = re.compile(r"(?P<name>.+)\.(?P<part>character|reference)\.[^./]+", re.IGNORECASE)


class Form(StrEnum):
    """How Tarmac uses an object."""

    MEDIA = "media"
    REQUEST = "json"
    LINES = "jsonl"
    TABLE = "csv"
    PRESET = "preset"
    IGNORED = "ignored"

    @property
    def is_batch(self) -> bool:
        return self in (Form.LINES, Form.TABLE)


@dataclass(frozen=True, slots=True)
class PairPart:
    """One half of a pair, such as `take1.character.png`. pair: the same for both halves. part: which half it is."""

    pair: str
    part: str

    @property
    def other(self) -> str:
        return "reference" if self.part == "character" else "character"


def form_of(key: str) -> Form:
    """Return how an object is used, by its prefix and extension in any case. A console's folder is ignored."""
    if key.endswith("/"):
        return Form.IGNORED
    if key.startswith(PRESETS):
        return Form.PRESET
    if not key.startswith(INBOX):
        return Form.IGNORED
    extension = key.rpartition("/")[2].rpartition(".")[2].lower()
    return {"json": Form.REQUEST, "jsonl": Form.LINES, "csv": Form.TABLE}.get(extension, Form.MEDIA)


def preset_names(key: str) -> tuple[str, ...]:
    """Return the possible names of an object's preset: its first folder, as it is and in NFC and NFD.

    Systems differ in the Unicode form of names: macOS may write `ü` as two characters.
    """
    folder, slash, _ = key.removeprefix(INBOX).partition("/")
    if not (slash and folder):
        return ()
    forms = (folder, unicodedata.normalize("NFC", folder), unicodedata.normalize("NFD", folder))
    return tuple(dict.fromkeys(forms))


def pair_part(key: str) -> PairPart | None:
    """Return the pair and the half that the object's name stands for, or None."""
    folder, _, name = key.rpartition("/")
    match = _PAIR.fullmatch(name)
    if match is None:
        return None
    pair = unicodedata.normalize("NFC", f"{folder}/{match['name']}")
    return PairPart(pair, match["part"].lower())


def is_older(sequencer: str, than: str) -> bool:
    """Whether a sequencer precedes another one of the same key. Both are hexadecimal numbers of any length."""
    width = max(len(sequencer), len(than))
    return sequencer.rjust(width, "0").upper() < than.rjust(width, "0").upper()


_LONGEST_KEY_BYTES = 1024


def task_id_of_object(bucket: str, key: str, version: str) -> str:
    """Return the id of an object version, the same each time. version: the version id, else the sequencer."""
    return derived_id(bucket, key, version)


def task_id_of_pair(bucket: str, character: tuple[str, str], reference: tuple[str, str]) -> str:
    """Return the id of a pair of object versions, the same for either order. Each is (key, version)."""
    return derived_id(bucket, *character, *reference)


def task_id_of_line(batch_id: str, line: int) -> str:
    """Return the id of a batch's line, the same each time."""
    return derived_id("line", batch_id, str(line))


def batch_id_of(client: str, content_sha256: str, name: str, form: str, preset: str) -> str:
    """Return the id of a batch, the same for the same file. name: the owner's, to start the same lines again.

    form: how the bytes are read. preset: name and content of the preset that completes the lines.
    """
    return derived_id("batch", client, content_sha256, name, form, preset)


def batch_key(batch_id: str, name: str) -> str:
    """Return the key of a file of the batch: the copy of its requests, or its plan."""
    return f"batches/{batch_id}/{name}"


def report_key(client: str, created_at: float, batch_id: str) -> str:
    """Return the key of a batch's report in the archive, next to the outputs of that day."""
    year, month, day = to_iso(created_at)[:10].split("-")
    return f"{client}/{year}/{month}/{day}/batches/{batch_id}/report.json"


def preset_key(name: str) -> str:
    return f"presets/{name}.json"


def failed_key(key: str) -> str:
    """Return the key of the report on a rejected object, in the same bucket."""
    name = f"failed/{key}.json"
    if len(name.encode()) <= _LONGEST_KEY_BYTES:
        return name
    digest = hashlib.sha256(key.encode()).hexdigest()
    start = name.encode()[: _LONGEST_KEY_BYTES - len(digest) - len("-.json")].decode(errors="ignore")
    return f"{start}-{digest}.json"
