"""Accept the two files of a `character_performance`. The file that arrives last starts the task."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from tarmac.effects import Effects
from tarmac.inbox.keys import PAIRED_OPERATION, PairPart, pair_part, task_id_of_pair
from tarmac.inbox.presets import Preset
from tarmac.inbox.upload import Found, NothingStarted, Overwritten, Unacceptable, Upload, UploadDefaults, find, tagged
from tarmac.inbox.upload_requests import draft_of, media_type, order_from
from tarmac.ports import NoSuchObject
from tarmac.tasks.accept import Accepted, Order, accept, accept_again
from tarmac.tasks.store import NoSuchTask


def accept_pair(
    upload: Upload, found: Found, preset: Preset, effects: Effects, defaults: UploadDefaults
) -> Accepted | NothingStarted:
    """Record one half of a pair, and start the task once both are there.

    If both halves arrive at once, both invocations start the same task: its id is derived from both object versions.
    Raises UnknownOperation, InvalidRequest, Unacceptable.
    """
    part = pair_part(upload.key)
    if part is None:
        raise Unacceptable(
            f"{PAIRED_OPERATION} starts from two files: name.character.png (or .mp4) and name.reference.mp4."
        )
    # Invalid metadata is reported now, not when the other half arrives.
    draft_of(PAIRED_OPERATION, found[1], preset, defaults)
    halves = effects.pairs.arrive(upload.bucket, part, upload.half)
    effects.consumed_uploads.record(upload.task_id, "pair", effects.clock.now())
    if halves[part.part].version != upload.version:
        return NothingStarted("superseded")
    other = halves.get(part.other)
    if other is None:
        return NothingStarted("waiting")
    uploads = {part.part: upload, part.other: Upload.from_half(upload.bucket, other)}
    both = [uploads["character"], uploads["reference"]]
    task_id = task_id_of_pair(upload.bucket, *((each.key, each.version) for each in both))
    with suppress(NoSuchTask):
        return tagged(accept_again(effects.tasks.get(task_id), effects), effects, *both)
    try:
        other_found = find(uploads[part.other], effects)
    except (NoSuchObject, Overwritten):
        # A new version of the other half will arrive and find this one waiting.
        effects.pairs.forget(upload.bucket, replace(part, part=part.other), other)
        return NothingStarted("waiting")
    objects = {part.part: found, part.other: other_found}
    order = _order_of_pair(task_id, uploads, objects, part, preset, defaults)
    return tagged(accept(order, effects, defaults.deadline_seconds), effects, *both)


def _order_of_pair(
    task_id: str,
    uploads: Mapping[str, Upload],
    objects: Mapping[str, Found],
    arrived: PairPart,
    preset: Preset,
    defaults: UploadDefaults,
) -> Order:
    """Return the order of both halves; metadata of the reference overrides that of the character."""
    draft = draft_of(PAIRED_OPERATION, {**objects["character"][1], **objects["reference"][1]}, preset, defaults)
    for name, each in uploads.items():
        content_type = media_type(each.key, objects[name][0])
        draft.request[name] = {"type": content_type.partition("/")[0], "uri": each.link}
    reference = uploads["reference"]
    source = uploads["character"].source | {"reference": reference.key}
    if reference.version_id:
        source["referenceVersionId"] = reference.version_id
    etags = {each.key: each.etag or objects[name][0].etag for name, each in uploads.items()}
    return order_from(draft, source, task_id, etags, uploads[arrived.part], defaults)
