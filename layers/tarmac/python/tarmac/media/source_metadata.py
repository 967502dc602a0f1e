"""S3 metadata of an archived output about its source: the inbox object, its reference, and the line of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.media.keys import s3_uri

_MOST_CHARACTERS = 1700


def source_metadata(source: Mapping[str, str | int]) -> dict[str, str]:
    """S3 metadata that names the object an output was made from; empty for tasks from the HTTP API.

    It is also empty if the links are too long for S3's 2 KB of metadata; row and notice still name the object.
    """
    if "key" not in source:
        return {}
    metadata = {"tarmac-source": _link(source, "key", "versionId")}
    if "reference" in source:
        metadata["tarmac-reference"] = _link(source, "reference", "referenceVersionId")
    if source["kind"] == "batch":
        metadata |= {"tarmac-batch": str(source["batch"]), "tarmac-line": str(source["line"])}
    return metadata if sum(map(len, metadata.values())) <= _MOST_CHARACTERS else {}


def _link(source: Mapping[str, str | int], key: str, version: str) -> str:
    link = s3_uri(str(source["bucket"]), str(source[key]))
    return f"{link}?versionId={source[version]}" if version in source else link
