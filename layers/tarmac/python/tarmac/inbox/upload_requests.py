"""The request of an uploaded media file: from its metadata and a preset or the defaults, with the file's link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.catalogue import Model, operation
from tarmac.inbox.presets import NO_PRESET, Preset, in_contract_spelling, with_preset
from tarmac.inbox.upload import Unacceptable, Upload, UploadDefaults
from tarmac.ports import StoredObject
from tarmac.requests.media import LARGEST_UPLOAD, normal_type, type_of_name
from tarmac.requests.object_links import names_object, place_object, with_object
from tarmac.requests.text_fields import BadField, path_of, put, typed
from tarmac.tasks.accept import Order
from tarmac.tasks.orders import order_of

BATCH_NAME = "tarmac-batch"

_RESERVED = frozenset({"tarmac-operation", "tarmac-model", "tarmac-webhook-url", BATCH_NAME})
_METADATA = "tarmac-metadata-"


@dataclass(frozen=True, slots=True)
class Draft:
    """A request before the link of the object is put into it."""

    operation: str
    model: Model
    request: dict[str, Any]
    metadata: dict[str, str]
    webhook_url: str | None


def draft_of(operation_name: str, about: Mapping[str, str], preset: Preset, defaults: UploadDefaults) -> Draft:
    """Return the request that metadata and a preset describe; without a preset, the defaults fill what is missing.

    about: the object's metadata, decoded. Raises UnknownOperation, InvalidRequest, Unacceptable.
    """
    at = operation(operation_name)
    completed = with_preset({"operation": operation_name}, preset)
    only_model = next(iter(at.models)) if len(at.models) == 1 else None
    named_model = about.get("tarmac-model") or completed["request"].get("model")
    model = at.model(str(at.sole_model or named_model or only_model or defaults.model))
    request: dict[str, Any] = {"model": model.name} if at.sole_model is None else {}
    if preset is NO_PRESET:
        request |= _defaults_for(model, defaults)
    request = {**in_contract_spelling(completed["request"], model), **request}
    metadata = dict(completed["metadata"])
    for name, text in about.items():
        if name.startswith(_METADATA):
            metadata[name.removeprefix(_METADATA)] = text
        elif name.startswith("tarmac-") and name not in _RESERVED:
            _put_parameter(request, name, text, model)
    webhook_url = about.get("tarmac-webhook-url") or completed["webhookUrl"]
    return Draft(operation_name, model, request, metadata, webhook_url)


def _defaults_for(model: Model, defaults: UploadDefaults) -> dict[str, Any]:
    """Return the defaults that the model has parameters for, because metadata may name any model."""
    values = {"ratio": defaults.ratio, "duration": defaults.duration, "promptText": defaults.prompt_text}
    return {field: value for field, value in values.items() if value and field in (model.parameters or {})}


def _put_parameter(request: dict[str, Any], name: str, text: str, model: Model) -> None:
    """Put the metadata `tarmac-…` into the request as the parameter that it names. Raises Unacceptable."""
    parameters = model.parameters or {}
    path = path_of(name.removeprefix("tarmac-"))
    if model.known and path[0] not in parameters and path[0] not in (model.spellings or {}):
        raise Unacceptable(f"{name}: {model.name} has no parameter {path[0]}.")
    try:
        put(request, path, typed(text, parameters, path))
    except BadField as problem:
        raise Unacceptable(f"{name}: {problem}.") from None


def media_type(key: str, stored: StoredObject) -> str:
    """Return the object's media type, by its name if that has a known extension. Raises Unacceptable if it is too large
    for Runway."""
    if stored.size_bytes > LARGEST_UPLOAD:
        raise Unacceptable(f"The file has {stored.size_bytes} bytes; Runway accepts at most {LARGEST_UPLOAD}.")
    return type_of_name(key) or normal_type(stored.content_type)


def put_object(draft: Draft, content_type: str, link: str) -> None:
    """Put the object's link where the preset names it, or into the first parameter that accepts such a file.

    Raises Unacceptable if no parameter does.
    """
    if names_object(draft.request):
        draft.request.update(with_object(draft.request, link))
        return
    model = draft.model
    if not place_object(draft.request, model.parameters or {}, content_type.partition("/")[0], link):
        if not model.known:
            raise Unacceptable(f"tarmac-model: unknown model {model.name} of {model.operation}.")
        raise Unacceptable(f"{model.name} has no parameter for a file of type {content_type}.")


def order_from(
    draft: Draft,
    source: Mapping[str, str],
    task_id: str,
    etags: Mapping[str, str | None],
    upload: Upload,
    defaults: UploadDefaults,
) -> Order:
    """Return the order of a completed draft. etags: of the objects in it, by key. Raises InvalidRequest."""
    wanted = {
        "operation": draft.operation,
        "request": draft.request,
        "metadata": draft.metadata,
        "webhookUrl": draft.webhook_url,
    }
    order = order_of(wanted, defaults.client, source, task_id, defaults.allowed)
    return replace(
        order,
        s3_allowed=defaults.allowed.input_buckets | {upload.bucket},
        etags={key: etag for key, etag in etags.items() if etag},
    )
