"""What each generation endpoint accepts, by the types of Runway's official SDK.

A model that the SDK has needs nothing here. `limits` holds what the types do not say, `legacy` the models that have
left the SDK, `prices` what a generation costs. Rules between fields are not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from local.simulator.checks import Check, Findings
from local.simulator.contract.legacy import legacy_models
from local.simulator.contract.limits import STRICT_OBJECTS, limits_of_request
from local.simulator.contract.model import Makes, Model
from local.simulator.contract.prices import Body
from local.simulator.contract.sdk import body_check, variants

__all__ = ["OPERATIONS", "Body", "Model", "Operation", "examine", "model_name", "models", "request_check"]


@dataclass(frozen=True)
class Operation:
    """One endpoint.

    type_name  of its parameters in the SDK
    chosen_by  the field that chooses the model; None if there is only one
    named      what the account calls the model, where the field does not say it
    estimates  whether the answer to a create carries estimatedCost
    """

    path: str
    type_name: str
    makes: Makes = "video"
    chosen_by: str | None = "model"
    named: str | None = None
    estimates: bool = True

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """By the value of the field that chooses them. Reads the SDK's types at the first use."""
        found = {}
        for fields in variants(self.type_name):
            for choice in fields[self.chosen_by].choices if self.chosen_by else [self.named or ""]:
                found[choice] = Model(self.path, self.named or choice, self.makes, fields)
        for name, fields in legacy_models(self.path).items():
            found[name] = Model(self.path, name, self.makes, fields)
        return found


def _recipe(name: str, type_name: str, makes: Makes = "video", chosen_by: str | None = None) -> Operation:
    return Operation(f"/v1/recipes/{name}", type_name, makes, chosen_by, name)


OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.path: operation
    for operation in (
        Operation("/v1/text_to_video", "TextToVideoCreateParams"),
        Operation("/v1/image_to_video", "ImageToVideoCreateParams"),
        Operation("/v1/video_to_video", "VideoToVideoCreateParams"),
        Operation("/v1/character_performance", "CharacterPerformanceCreateParams"),
        Operation("/v1/text_to_image", "TextToImageCreateParams", "image"),
        Operation("/v1/image_upscale", "ImageUpscaleCreateParams", "image"),
        Operation("/v1/video_upscale", "VideoUpscaleCreateParams"),
        Operation("/v1/video_to_hdr", "VideoToHdrCreateParams"),
        Operation("/v1/video_to_audio", "VideoToAudioCreateParams", "sound"),
        Operation("/v1/sound_effect", "SoundEffectCreateParams", "sound"),
        Operation("/v1/text_to_speech", "TextToSpeechCreateParams", "sound"),
        Operation("/v1/speech_to_speech", "SpeechToSpeechCreateParams", "sound"),
        Operation("/v1/voice_dubbing", "VoiceDubbingCreateParams", "sound"),
        Operation("/v1/voice_isolation", "VoiceIsolationCreateParams", "sound"),
        Operation("/v1/avatar_videos", "AvatarVideoCreateParams", estimates=False),
        _recipe("ad_localization", "RecipeAdLocalizationParams", "image"),
        _recipe("marketing_stock_image", "RecipeMarketingStockImageParams", "image"),
        _recipe("multi_shot_video", "RecipeMultiShotVideoParams", chosen_by="mode"),
        _recipe("product_ad", "RecipeProductAdParams"),
        _recipe("product_campaign_image", "RecipeProductCampaignImageParams", "image"),
        _recipe("product_swap", "RecipeProductSwapParams"),
        _recipe("product_ugc", "RecipeProductUgcParams"),
    )
}


@cache
def models() -> tuple[str, ...]:
    """The names of all models, sorted."""
    return tuple(sorted({model.name for operation in OPERATIONS.values() for model in operation.models.values()}))


@cache
def request_check(type_name: str) -> Check:
    """The check of a request that creates no task; type_name: of its parameters in the SDK."""
    return body_check(variants(type_name), limits_of_request(type_name), STRICT_OBJECTS.get(type_name, ()))


def model_name(path: str, body: object) -> str:
    """What the account calls the model of this create; empty if the body names none."""
    operation = OPERATIONS[path]
    if operation.named is not None:
        return operation.named
    return str(body.get("model")) if isinstance(body, dict) else ""


def examine(path: str, body: object) -> tuple[Model | None, Findings]:
    """The model that serves this create, None for an unknown one, and what is wrong with the body."""
    findings, operation = Findings(), OPERATIONS[path]
    if not isinstance(body, dict):
        findings.add("invalid_type", (), "Invalid input: expected object")
        return None, findings
    field = operation.chosen_by
    name = body.get(field) if field is not None else operation.named
    model = operation.models.get(name) if isinstance(name, str) else None
    if model is None:
        # The code that a union discriminated by this field reports.
        findings.add("invalid_union", (field or "",), f"Invalid input: no such {field} at this endpoint")
        return None, findings
    model.check(body, (), findings)
    return model, findings
