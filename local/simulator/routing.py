"""How a model router chooses a model: filters in a fixed order, then the lowest price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.simulator import contract
from local.simulator.checks import Findings
from local.simulator.contract.model import pixels, speaking_seconds
from local.simulator.library import Router

FILTERS: Final = ("capability", "prompt_length", "input_support", "allow_deny", "price")
_SHORT_SIDES: Final = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160, "1k": 1024, "2k": 2048}
_CLOSE_ENOUGH: Final = 0.03
DEFAULT_SETTINGS: Final[Mapping[str, Any]] = {"schemaVersion": 1, "optimizeFor": "cost"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model, with the body of the create and its issues."""

    name: str
    model: contract.Model
    body: dict[str, Any]
    findings: Findings
    credits: int = 0

    def has_issue_in(self, *fields: str) -> bool:
        return any(issue.path[0] in fields for issue in self.findings.issues if issue.path)

    def is_too_long(self, *fields: str) -> bool:
        return any(issue.path[0] in fields for issue in self.findings.issues if issue.code == "too_big" and issue.path)


@dataclass(slots=True)
class Decision:
    """The choice of a router. chosen is None if no model is left; emptied_by names the filter that removed the last."""

    path: str
    chosen: Candidate | None = None
    pipeline: list[dict[str, Any]] = field(default_factory=list)
    emptied_by: list[str] = field(default_factory=list)


def decide(router: Router, modality: str, wanted: Mapping[str, Any]) -> Decision:
    """Choose a model. modality: video, image or audio; wanted: the `input` of the request."""
    path, make_body = _endpoint(modality, wanted)
    left = [_candidate(name, model, make_body(name, model)) for name, model in contract.OPERATIONS[path].models.items()]
    settings, decision = router.settings, Decision(path)
    models, ceiling = settings.get("models"), (settings.get("maxCreditsPerGeneration") or {}).get(modality)
    checks: Mapping[str, Callable[[Candidate], bool]] = {
        "capability": lambda each: not each.has_issue_in("ratio", "duration", "outputCount", "seed", "audio", "loop"),
        "prompt_length": lambda each: not each.is_too_long("promptText", "negativePrompt"),
        "input_support": lambda each: not each.findings.issues,
        "allow_deny": lambda each: (
            models is None or (each.name in models["ids"]) == (models["mode"] == "allowlist_only")
        ),
        "price": lambda each: ceiling is None or each.credits / len(each.model.formats(each.body)) <= ceiling,
    }
    for name in FILTERS:
        left = [each for each in left if checks[name](each)]
        decision.pipeline.append({"type": "filter", "filter": name, "models": [each.name for each in left]})
        if not left:
            decision.emptied_by.append(name)
            return decision
    decision.pipeline.append({"type": "rank", "outcome": "single_candidate" if len(left) == 1 else "cost"})
    decision.chosen = min(left, key=lambda each: (each.credits, each.name))
    return decision


def resolved_input(modality: str, chosen: Candidate, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The input as the router resolved it, for the answer."""
    if modality == "audio":
        voice = (wanted.get("voice") or {}).get("type", "default" if wanted["type"] == "speech" else "none")
        return {"type": wanted["type"], "voice": voice}
    ratio = chosen.body.get("ratio", "1280:720")
    if modality == "image":
        return {
            "ratio": ratio,
            "aspectRatio": wanted.get("aspectRatio", "1:1"),
            "resolution": wanted.get("resolution", "1k"),
        }
    duration = chosen.model.duration(chosen.body)
    return {"duration": duration, "ratio": ratio, "resolution": wanted.get("resolution", "720p")}


def _candidate(name: str, model: contract.Model, body: dict[str, Any]) -> Candidate:
    findings = Findings()
    model.check(body, (), findings)
    unknown = [each for each in body if each != "model" and each not in model.fields]
    for each in unknown:
        findings.add("unrecognized_keys", (each,), f"{name} has no {each}")
    return Candidate(name, model, body, findings, 0 if findings.issues else model.credits(body))


MakeBody = Callable[[str, contract.Model], dict[str, Any]]


def _endpoint(modality: str, wanted: Mapping[str, Any]) -> tuple[str, MakeBody]:
    if modality == "image":
        return "/v1/text_to_image", lambda name, model: _image_body(name, model, wanted)
    if modality == "audio":
        path = "/v1/text_to_speech" if wanted["type"] == "speech" else "/v1/sound_effect"
        return path, lambda name, _: _audio_body(name, wanted)
    if any(each["role"] == "source" for each in wanted.get("referenceVideos", ())):
        path = "/v1/video_to_video"
    elif any(each["role"] != "reference" for each in wanted.get("referenceImages", ())):
        path = "/v1/image_to_video"
    else:
        path = "/v1/text_to_video"
    return path, lambda name, model: _video_body(name, model, wanted)


def _video_body(name: str, model: contract.Model, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a video create: each image and video goes to the field of its role."""
    copied = ("promptText", "duration", "audio", "negativePrompt", "seed", "contentModeration", "keyframes")
    body = {"model": name} | {each: wanted[each] for each in copied if each in wanted}
    frames = [
        {"uri": each["uri"], "position": each["role"]}
        for each in wanted.get("referenceImages", ())
        if each["role"] != "reference"
    ]
    references = [{"uri": each["uri"]} for each in wanted.get("referenceImages", ()) if each["role"] == "reference"]
    sources = [each["uri"] for each in wanted.get("referenceVideos", ()) if each["role"] == "source"]
    clips = [
        {"type": "video", "uri": each["uri"]}
        for each in wanted.get("referenceVideos", ())
        if each["role"] == "reference"
    ]
    sounds = [{"type": "audio", "uri": each["uri"]} for each in wanted.get("referenceAudio", ())]
    if sources:
        body["videoUri" if "videoUri" in model.fields else "promptVideo"] = sources[0]
    named = {"promptImage": frames, "references": references, "referenceVideos": clips, "referenceAudio": sounds}
    body |= {field: values for field, values in named.items() if values}
    if "duration" in model.fields:
        body.setdefault("duration", model.duration({}))
    return body | _ratio(model, wanted, "16:9", "720p")


def _image_body(name: str, model: contract.Model, wanted: Mapping[str, Any]) -> dict[str, Any]:
    copied = ("promptText", "outputCount", "seed", "contentModeration", "referenceImages")
    body = {"model": name} | {each: wanted[each] for each in copied if each in wanted}
    return body | _ratio(model, wanted, "1:1", "1k")


def _audio_body(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    copied = ("promptText", "duration", "loop")
    body = {"model": name} | {each: wanted[each] for each in copied if each in wanted}
    if wanted.get("referenceAudios"):
        body["referenceAudios"] = [each["uri"] for each in wanted["referenceAudios"]]
    voice = wanted.get("voice")
    if voice is not None:
        body["voice"] = {**voice, "type": "runway-preset"} if voice["type"] == "preset" else voice
    elif wanted["type"] == "speech" and name != "seed_audio":
        body["voice"] = {"type": "runway-preset", "presetId": "Maya"}
    if name == "mirelo_sfx_2_0":
        body.setdefault("duration", speaking_seconds(None))
    return body


def _ratio(model: contract.Model, wanted: Mapping[str, Any], aspect: str, resolution: str) -> dict[str, str]:
    """The ratio of the wanted aspect whose size is closest to the wanted resolution."""
    if not model.ratios:
        return {}
    left, right = (int(part) for part in wanted.get("aspectRatio", aspect).split(":"))
    short = _SHORT_SIDES[wanted.get("resolution", resolution)]
    sized = [(ratio, pixels(ratio)) for ratio in model.ratios if ":" in ratio]
    close = [
        (abs(min(size) - short), ratio)
        for ratio, size in sized
        if abs(size[0] / size[1] * right / left - 1) < _CLOSE_ENOUGH
    ]
    return {"ratio": min(close)[1] if close else f"no {left}:{right}"}
