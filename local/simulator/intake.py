"""The media of a body: each string is looked at, uploads are found, and what comes as a data URI is kept."""

from __future__ import annotations

from pathlib import Path

from local.simulator.checks import Findings, MediaField
from local.simulator.inputs import UnusableMedia, check_content, check_upload_uri, check_url, decode_data_uri
from local.simulator.simulator import Simulator


def resolve(findings: Findings, simulator: Simulator, *, urls_only: bool = False) -> str | None:
    """Note what is wrong with the media of a body; gives the SHA-256 of the first one, None for a URL or a sound.

    urls_only: whether uploads and data URIs are refused.
    """
    picture = None
    for field in findings.media:
        try:
            if urls_only:
                check_url(field.uri)
            sha256 = _stored(field, simulator)
        except UnusableMedia as error:
            findings.object_to("custom", field.path, str(error))
        else:
            # The first is what the output shows: of a performance the character, not the driving video.
            picture = sha256 if field is findings.media[0] and field.kind != "audio" else picture
    return picture


def _stored(field: MediaField, simulator: Simulator) -> str | None:
    """Where the media lies in storage, None for a URL; raises UnusableMedia."""
    if field.uri.startswith("runway://"):
        check_upload_uri(field.uri)
        upload = simulator.uploaded(field.uri)
        if upload is None or upload.sha256 is None:
            raise UnusableMedia("Invalid asset: no such upload, or it has expired")
        check_content(_first_bytes(simulator.storage.content(upload.sha256)), field.kind)
        return upload.sha256
    if field.uri[:5].lower() == "data:":
        data = decode_data_uri(field.uri, field.kind)
        check_content(data[:12], field.kind)
        return simulator.storage.keep(data)
    check_url(field.uri)
    return None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)
