"""What a key of the upload bucket says: which door an object stands at, and what belongs together."""

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


_LONGEST_KEY_BYTES = 1024


def task_id_of_object(bucket: str, key: str, version: str) -> str:
    """One id per object version, however often its event comes. `version`: the version id, else the sequencer."""
    return derived_id(bucket, key, version)


def task_id_of_pair(bucket: str, character: tuple[str, str], reference: tuple[str, str]) -> str:
    """One id per pair of object versions, whichever came last. Each is (key, version) as for one object."""
    return derived_id(bucket, *character, *reference)


def task_id_of_line(batch_id: str, line: int) -> str:
    """One id per line of a batch, however often it is read."""
    return derived_id("line", batch_id, str(line))


def batch_id_of(client: str, content_sha256: str, name: str, form: str, preset: str) -> str:
    """The same file asks for the same batch. name: what its owner calls it, where the same lines are wanted again.

    preset: the name and content of the one that completes its lines; form: how its bytes are read.
    """
    return derived_id("batch", client, content_sha256, name, form, preset)


def batch_key(batch_id: str, name: str) -> str:
    """Where Tarmac keeps its copy of a batch's file, and its plan."""
    return f"batches/{batch_id}/{name}"


def report_key(client: str, created_at: float, batch_id: str) -> str:
    """Where a batch's report lies in the archive, beside the outputs of that day."""
    year, month, day = to_iso(created_at)[:10].split("-")
    return f"{client}/{year}/{month}/{day}/batches/{batch_id}/report.json"


def preset_key(name: str) -> str:
    return f"presets/{name}.json"


def failed_key(key: str) -> str:
    """Where an object that could not be started is reported on, in its own bucket."""
    name = f"failed/{key}.json"
    if len(name.encode()) <= _LONGEST_KEY_BYTES:
        return name
    digest = hashlib.sha256(key.encode()).hexdigest()
    start = name.encode()[: _LONGEST_KEY_BYTES - len(digest) - len("-.json")].decode(errors="ignore")
    return f"{start}-{digest}.json"
