"""Creates an upload: a signed form for one file in the upload bucket, with the protocol of Runway's uploads."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.effects import Effects
from tarmac.media.keys import upload_key
from tarmac.media.upload_store import UploadSlot
from tarmac.ports import UploadForm
from tarmac.requests.media import EXTENSIONS, LARGEST_UPLOAD, SMALLEST_UPLOAD, type_of_name

FORM_SECONDS = 3600
"""Lifetime of the form. The credentials that sign it are valid for at least as long."""


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """The form for the file, and the URI that names it in creates during the next 24 hours."""

    form: UploadForm
    uri: str


def create_upload(filename: str, client: str, effects: Effects) -> OpenSlot:
    """Open a slot for a file whose name has one of `INPUT_EXTENSIONS`."""
    content_type = type_of_name(filename)
    assert content_type is not None
    token = effects.new_token()
    slot = UploadSlot(token, client, upload_key(token, EXTENSIONS[content_type]), content_type)
    effects.upload_slots.open(slot, effects.clock.now())
    form = effects.uploads.upload_form(slot.key, content_type, SMALLEST_UPLOAD, LARGEST_UPLOAD, FORM_SECONDS)
    return OpenSlot(form, slot.uri)
