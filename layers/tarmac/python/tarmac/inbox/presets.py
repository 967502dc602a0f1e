"""Presets: request templates in the upload bucket, `presets/{name}.json`, and the requests that they complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.catalogue import Model, UnknownOperation, operation
from tarmac.effects import Effects
from tarmac.inbox.keys import PRESETS, preset_key, preset_names
from tarmac.ports import NoSuchObject
from tarmac.requests.object_links import with_object
from tarmac.requests.spellings import to_contract
from tarmac.requests.strict_json import BadJson, loads
from tarmac.requests.validation import InvalidRequest, Issue, check
from tarmac.tasks.orders import AllowLists, order_of

LARGEST_PRESET = 5 * 1024 * 1024 + 512 * 1024
"""In bytes. As much as the body of an HTTP request, because a preset may contain an inline image."""

_FIELDS = frozenset({"operation", "request", "metadata", "webhookUrl"})
_STAND_IN = "s3://object/of-the-inbox"
"""The link that is checked in place of the object."""


class BadPreset(ValueError):
    """The preset is invalid; the message states the reason for its owner."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A request template. name: empty for NO_PRESET, which adds nothing."""

    operation: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    webhook_url: str | None = None
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "request": dict(self.request),
            "metadata": dict(self.metadata),
            "webhookUrl": self.webhook_url,
            "name": self.name,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preset:
        return cls(data["operation"], data["request"], data["metadata"], data["webhookUrl"], data["name"])


NO_PRESET = Preset()


def preset_for(key: str, effects: Effects, allowed: AllowLists) -> Preset:
    """Return the preset of an object's first folder, or NO_PRESET. Raises BadPreset."""
    for name in preset_names(key):
        try:
            return read_preset(preset_key(name), effects, allowed)
        except NoSuchObject:
            continue
        except BadPreset as problem:
            raise BadPreset(f"The preset {preset_key(name)} is invalid. {problem}") from None
    return NO_PRESET


def read_preset(key: str, effects: Effects, allowed: AllowLists) -> Preset:
    """Read and check a preset. Raises NoSuchObject, BadPreset."""
    name = key.removeprefix(PRESETS)
    if "/" in name or not name.endswith(".json") or name == ".json":
        raise BadPreset("A preset must be directly in presets/, and its name must end in .json.")
    content = effects.uploads.open(key).read(LARGEST_PRESET + 1)
    if len(content) > LARGEST_PRESET:
        raise BadPreset(f"The preset has more than {LARGEST_PRESET} bytes.")
    try:
        data = loads(content.removeprefix(b"\xef\xbb\xbf"))
    except BadJson as problem:
        raise BadPreset(str(problem)) from None
    return _checked(name.removesuffix(".json"), data, allowed)


def _checked(name: str, data: Mapping[str, Any], allowed: AllowLists) -> Preset:
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise BadPreset(f"{unknown[0]}: Unknown field. A preset has operation, request, metadata and webhookUrl.")
    request = data.get("request", {})
    if not isinstance(data.get("operation"), str):
        raise BadPreset("operation: Required, such as image_to_video.")
    if not isinstance(request, dict):
        raise BadPreset("request: Must be an object, the body of a create.")
    metadata = data.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadPreset("metadata: Must be an object of short texts.")
    preset = Preset(data["operation"], request, metadata, data.get("webhookUrl"), name)
    try:
        issues = _issues(preset, allowed)
    except UnknownOperation:
        raise BadPreset(f"operation: Unknown operation {data['operation']!r}.") from None
    except InvalidRequest as problem:
        issues = problem.issues
    if issues:
        raise BadPreset("; ".join(map(str, issues[:10])))
    return preset


def _issues(preset: Preset, allowed: AllowLists) -> list[Issue]:
    """Check what the template contains. What it leaves out may come from the object, its metadata or the line."""
    at = operation(preset.operation or "")
    order = order_of(with_preset({}, preset), "preset", {}, None, allowed, needs_model=False)
    name = order.body.get("model", at.sole_model)
    if name is None:
        return []
    model = at.model(str(name))
    if not model.known:
        return [Issue("invalid_enum_value", ("model",), f"Unknown model {name} of {at.name}")]
    parameters = model.parameters or {}
    given = {key: value for key, value in order.body.items() if value is not None and key != "model"}
    spelled = to_contract(with_object(given, _STAND_IN), parameters, model.spellings or {})
    body = spelled.body | {"model": model.name}
    issues = check(body, parameters, model.rules, model.strict, s3_allowed=True).issues
    return spelled.issues + spelled.as_sent(issue for issue in issues if _is_given(body, issue.path))


def _is_given(body: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the body contains this path. Other issues may be solved by what completes the template."""
    for step in path:
        known = range(len(body)) if isinstance(body, list) else body if isinstance(body, dict) else ()
        if step not in known:
            return False
        body = body[step]
    return True


def with_preset(wanted: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
    """Return a request `{operation?, request?, metadata?, webhookUrl?}`, completed by a preset.

    The preset's `request` is used only for its own operation. Raises InvalidRequest for an unknown field.
    """
    unknown = sorted(set(wanted) - _FIELDS)
    if unknown:
        message = "Unknown field. A request in a file is {operation, request, metadata?, webhookUrl?}"
        raise InvalidRequest([Issue("unrecognized_keys", (unknown[0],), message)])
    name = wanted.get("operation") or preset.operation
    request, metadata = wanted.get("request") or {}, wanted.get("metadata") or {}
    base = preset.request if name == preset.operation else {}
    if base and request and isinstance(request, dict):
        model = _model_of(name, {**base, **request})
        base, request = in_contract_spelling(base, model), in_contract_spelling(request, model)
    return {
        "operation": name,
        "request": {**base, **request} if isinstance(request, dict) else request,
        "metadata": {**preset.metadata, **metadata} if isinstance(metadata, dict) else metadata,
        "webhookUrl": wanted.get("webhookUrl") or preset.webhook_url,
    }


def _model_of(name: Any, request: Mapping[str, Any]) -> Model:
    try:
        at = operation(str(name))
    except UnknownOperation:
        return Model("", "", known=False)
    return at.model(str(at.sole_model or request.get("model")))


def in_contract_spelling(request: Mapping[str, Any], model: Model) -> Mapping[str, Any]:
    """Return the request in the contract's spelling, so that a field overrides the preset's in any spelling.

    A request that contradicts itself is returned unchanged; `accept` rejects it.
    """
    spelled = to_contract(request, model.parameters or {}, model.spellings or {})
    return request if spelled.issues else spelled.body
