"""Accept uploads: an object under `inbox/` becomes one or many tasks, an object under `presets/` is checked.

A media file is the input of one task; its preset and metadata are the request. Two media files with the same name are a
pair (`accept_pair`). A `.json` file is a request; `.jsonl` and `.csv` files are batches (`open_batch`, `run_batch`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from tarmac.effects import Effects
from tarmac.inbox.accept_pair import accept_pair
from tarmac.inbox.keys import PAIRED_OPERATION, Form, form_of, pair_part
from tarmac.inbox.open_batch import BatchFile, OpenedBatch, find_opened_batch, open_batch
from tarmac.inbox.presets import Preset, preset_for, read_preset, with_preset
from tarmac.inbox.rejections import REJECTING, Rejected, reject
from tarmac.inbox.request_files import LONGEST_LINE
from tarmac.inbox.upload import (
    Found,
    NothingStarted,
    Overwritten,
    Unacceptable,
    Upload,
    UploadDefaults,
    find,
    open_content,
    tag,
    tagged,
)
from tarmac.inbox.upload_requests import BATCH_NAME, draft_of, media_type, order_from, put_object
from tarmac.ports import NoSuchObject
from tarmac.requests.strict_json import loads
from tarmac.tasks.accept import Accepted, accept, accept_again
from tarmac.tasks.orders import order_of
from tarmac.tasks.store import NoSuchTask

_DEFAULT_OPERATION = "image_to_video"


def accept_upload(
    upload: Upload, effects: Effects, defaults: UploadDefaults
) -> Accepted | OpenedBatch | Rejected | NothingStarted:
    """Start what an object version asks for, once, however often its event is delivered.

    An object that cannot be started is rejected with a report and a notice that state the reason.
    """
    form = form_of(upload.key)
    if form is Form.IGNORED:
        return NothingStarted("ignored")
    with suppress(NoSuchTask):
        # Before the object is read: it may be deleted or overwritten by now, but its task exists.
        return tagged(accept_again(effects.tasks.get(upload.task_id), effects), effects, upload)
    operation_name, model = _DEFAULT_OPERATION, defaults.model
    try:
        match form:
            case Form.PRESET:
                return _check_preset(upload, effects, defaults)
            case Form.REQUEST:
                return _accept_request(upload, effects, defaults)
            case Form.LINES | Form.TABLE:
                return _open_batch(upload, form, effects, defaults)
        preset = preset_for(upload.key, effects, defaults.allowed)
        found = find(upload, effects)
        operation_name = _operation_name(upload, found[1], preset)
        model = found[1].get("tarmac-model") or defaults.model
        if operation_name == PAIRED_OPERATION:
            return accept_pair(upload, found, preset, effects, defaults)
        return _accept_file(operation_name, upload, found, preset, effects, defaults)
    except REJECTING as error:
        is_gone = isinstance(error, (NoSuchObject, Overwritten))
        if is_gone and effects.consumed_uploads.consumer_of(upload.task_id) is not None:
            # The repeated event of an object that a pair or batch has used: nothing is wrong with it.
            return NothingStarted("superseded")
        return reject(upload, error, defaults.client, operation_name, model, effects)


def _operation_name(upload: Upload, about: Mapping[str, str], preset: Preset) -> str:
    """Return the operation that metadata or the preset names, else the one that the object's name suggests."""
    named = about.get("tarmac-operation", preset.operation)
    if named is not None:
        return named
    return PAIRED_OPERATION if pair_part(upload.key) else _DEFAULT_OPERATION


def _accept_file(
    operation_name: str, upload: Upload, found: Found, preset: Preset, effects: Effects, defaults: UploadDefaults
) -> Accepted:
    stored, about = found
    draft = draft_of(operation_name, about, preset, defaults)
    put_object(draft, media_type(upload.key, stored), upload.link)
    etags = {upload.key: upload.etag or stored.etag}
    order = order_from(draft, upload.source, upload.task_id, etags, upload, defaults)
    return tagged(accept(order, effects, defaults.deadline_seconds), effects, upload)


def _accept_request(upload: Upload, effects: Effects, defaults: UploadDefaults) -> Accepted:
    preset = preset_for(upload.key, effects, defaults.allowed)
    find(upload, effects)
    content = open_content(upload, effects).read(LONGEST_LINE + 1)
    if len(content) > LONGEST_LINE:
        raise Unacceptable(f"The request has more than {LONGEST_LINE} bytes.")
    if content.lstrip().startswith(b"["):
        raise Unacceptable("A .json file holds one request. To send several, use a .jsonl file with one on each line.")
    completed = with_preset(loads(content.removeprefix(b"\xef\xbb\xbf")), preset)
    order = order_of(completed, defaults.client, upload.source, upload.task_id, defaults.allowed)
    return tagged(accept(order, effects, defaults.deadline_seconds), effects, upload)


def _check_preset(upload: Upload, effects: Effects, defaults: UploadDefaults) -> NothingStarted:
    try:
        read_preset(upload.key, effects, defaults.allowed)
    except NoSuchObject:
        # A deleted preset needs no check.
        return NothingStarted("ignored")
    return NothingStarted("checked")


def _open_batch(upload: Upload, form: Form, effects: Effects, defaults: UploadDefaults) -> OpenedBatch:
    known = find_opened_batch(upload.task_id, effects)
    if known is not None:
        return known
    preset = preset_for(upload.key, effects, defaults.allowed)
    stored, about = find(upload, effects)
    name = about.get(BATCH_NAME, "")
    file = BatchFile(defaults.client, upload.task_id, upload.source, form, name, preset, upload.created_at)
    opened = open_batch(file, open_content(upload, effects), stored.size_bytes, effects)
    tag(upload, f"batch:{opened.batch.id}", effects)
    return opened
