"""What each generation endpoint accepts, as data: adding a model is one entry in the table of its endpoint.

It is light on purpose. It knows which fields a model requires, and their types, choices and limits as far as those
are published; of rules between fields it knows none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.simulator.checks import Findings
from local.simulator.contract import footage, images, sounds, videos
from local.simulator.contract.model import Body, Model
from local.simulator.contract.recipes import RECIPES

__all__ = ["MODELS", "OPERATIONS", "Body", "Model", "Operation", "examine", "model_name"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    models     by the value of the field that chooses them
    chosen_by  that field; None if there is but one model
    named      what the account calls the model, where the field does not say it
    estimates  whether the answer to a create carries estimatedCost
    """

    models: Mapping[str, Model]
    chosen_by: str | None = "model"
    named: str | None = None
    estimates: bool = True


def _recipe(name: str, models: Mapping[str, Model]) -> Operation:
    return Operation(models, "mode" if len(models) > 1 else None, name)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "/v1/text_to_video": Operation(videos.TEXT_TO_VIDEO),
    "/v1/image_to_video": Operation(videos.IMAGE_TO_VIDEO),
    "/v1/video_to_video": Operation(footage.VIDEO_TO_VIDEO),
    "/v1/character_performance": Operation(footage.CHARACTER_PERFORMANCE),
    "/v1/text_to_image": Operation(images.TEXT_TO_IMAGE),
    "/v1/image_upscale": Operation(images.IMAGE_UPSCALE),
    "/v1/video_upscale": Operation(footage.VIDEO_UPSCALE),
    "/v1/video_to_hdr": Operation(footage.VIDEO_TO_HDR),
    "/v1/video_to_audio": Operation(sounds.VIDEO_TO_AUDIO),
    "/v1/sound_effect": Operation(sounds.SOUND_EFFECT),
    "/v1/text_to_speech": Operation(sounds.TEXT_TO_SPEECH),
    "/v1/speech_to_speech": Operation(sounds.SPEECH_TO_SPEECH),
    "/v1/voice_dubbing": Operation(sounds.VOICE_DUBBING),
    "/v1/voice_isolation": Operation(sounds.VOICE_ISOLATION),
    "/v1/avatar_videos": Operation(footage.AVATAR_VIDEOS, estimates=False),
    **{f"/v1/recipes/{name}": _recipe(name, models) for name, models in RECIPES.items()},
}
MODELS: Final = tuple(
    sorted({name for each in OPERATIONS.values() for name in ([each.named] if each.named else each.models)})
)


def model_name(path: str, body: object) -> str:
    """What the account calls the model of this create; empty if the body names none."""
    operation = OPERATIONS[path]
    if operation.named is not None:
        return operation.named
    return str(body.get("model")) if isinstance(body, dict) else ""


def examine(path: str, body: object) -> tuple[Model | None, Findings]:
    """The model that serves this create, None if there is none, and what is wrong with the body."""
    findings, operation = Findings(), OPERATIONS[path]
    if not isinstance(body, dict):
        findings.object_to("invalid_type", (), "Invalid input: expected object")
        return None, findings
    field = operation.chosen_by
    name = body.get(field) if field is not None else operation.named
    model = operation.models.get(name) if isinstance(name, str) else None
    if model is None:
        # The code that a union discriminated by this field reports.
        findings.object_to("invalid_union", (field or "",), f"Invalid input: no such {field} at this endpoint")
        return None, findings
    model.check(body, (), findings)
    return model, findings
