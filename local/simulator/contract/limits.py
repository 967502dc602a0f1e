"""What the SDK's types leave open: lengths, ranges, and which models reject unknown fields.

Sources: Runway's API reference, and the texts of the SDK's types. A bound that neither states is a generous guess, so
that the simulator does not reject what Runway accepts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

Bounds = tuple[float, float]
"""The lowest and the highest number; of a text its UTF-16 code units, of an array its items."""
Limits = Mapping[str, Bounds]
"""Bounds by the place in the body: `speech.text` is a field of an object, `shots[].prompt` of an array's items."""

_PERCENT: Final = (0, 100)
_SHARE: Final = (0, 1)
_TOOL_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
PATTERNS: Final[Mapping[str, str]] = {
    "referenceImages[].tag": r"[A-Za-z]\w*",
    "slug": r"[a-z][a-z0-9_-]{0,63}",
    "tools[].name": _TOOL_NAME,
    "tools[].parameters[].name": _TOOL_NAME,
}
_ANY_MODEL: Final[Limits] = {
    "backgroundColor": (1, 64),
    "colors": (0, 32),
    "colors[]": (1, 64),
    "creativity": _PERCENT,
    "avatar.avatarId": (1, 100),
    "draftTaskId": (1, 100),
    "duration": (1, 60),
    "expressionIntensity": (1, 5),
    "keyframes": (1, 5),
    "keyframes[].at": _SHARE,
    "keyframes[].range.end_seconds": (0, 3600),
    "keyframes[].range.start_seconds": (0, 3600),
    "keyframes[].seconds": (0, 30),
    "languageCode": (2, 5),
    "loudnessRate": (-50, 100),
    "newProductImages": (1, 10),
    "numSpeakers": (1, 100),
    "numVariants": (1, 10),
    "outputCount": (1, 10),
    "pitchRate": (-12, 12),
    "productImages": (1, 10),
    "productInfo": (0, 2500),
    "prompt": (1, 3500),
    "providerSettings.multiPrompt": (1, 15),
    "providerSettings.multiPrompt[].duration": (1, 15),
    "ratio": (1, 32),
    "referenceAudio": (0, 10),
    "referenceAudios": (0, 3),
    "referenceImages": (0, 14),
    "referenceImages[].tag": (1, 16),
    "references": (0, 30),
    "referenceVideos": (0, 10),
    "seed": (0, 2**32 - 1),
    "sharpen": _PERCENT,
    "shots": (3, 5),
    "shots[].duration": (1, 15),
    "shots[].prompt": (3, 512),
    "similarityBoost": _SHARE,
    "smartGrain": _PERCENT,
    "speech.text": (1, 5000),
    "speechRate": (-50, 100),
    "speed": (0.7, 1.2),
    "stability": _SHARE,
    "style": _SHARE,
    "styleImages": (0, 4),
    "speech.voice.id": (1, 100),
    "ultraDetail": _PERCENT,
    "userConcept": (0, 3500),
}
_SEEDANCE: Final[Limits] = {
    "duration": (4, 15),
    "promptImage": (1, 9),
    "promptText": (1, 3500),
    "referenceAudio": (0, 3),
    "references": (0, 9),
    "referenceVideos": (0, 3),
}
_VEO: Final[Limits] = {"negativePrompt": (1, 1000), "promptText": (1, 1000)}
_WAN: Final[Limits] = {"promptImage": (1, 10), "references": (0, 10)}
_PRODUCT_FILM: Final[Limits] = {"duration": (4, 15)}
_GPT_IMAGE: Final[Limits] = {"referenceImages": (0, 16)}
_KLING_O3: Final[Limits] = {"references": (1, 7)}
_KLING_O3_EDIT: Final[Limits] = {"references": (1, 4)}
_BY_MODEL: Final[Mapping[str, Limits]] = {
    "aleph2": {"promptText": (1, 1000)},
    "bria_fibo_1_5": {"referenceImages": (0, 1)},
    "eleven_multilingual_v2": {"promptText": (1, 1000)},
    "eleven_text_to_sound_v2": {"duration": (0.5, 30), "promptText": (1, 3000)},
    "eleven_v3": {"promptText": (1, 5000)},
    "gemini_2.5_flash": {"promptText": (1, 5500), "referenceImages": (0, 3)},
    "gemini_image3.1_flash": {"promptText": (1, 5500)},
    "gemini_image3_pro": {"promptText": (1, 5500)},
    "gemini_omni_flash": {"duration": (3, 10), "promptText": (1, 4000), "references": (0, 5)},
    "gemini_omni_flash_1.1": {"duration": (3, 10)},
    "gen3a_turbo": {"promptText": (1, 512)},
    "gen4.5": {"duration": (2, 10), "promptText": (1, 1000)},
    "gen4_aleph": {"promptText": (1, 1000), "references": (0, 1)},
    "gen4_image": {"promptText": (1, 1000), "referenceImages": (0, 3)},
    "gen4_image_turbo": {"promptText": (1, 1000), "referenceImages": (1, 3)},
    "gen4_turbo": {"duration": (2, 10), "promptText": (1, 1000)},
    "gpt_image_2": _GPT_IMAGE,
    "gpt_image_2_5_flare": _GPT_IMAGE,
    "gpt_image_2_5_sunburst": _GPT_IMAGE,
    "grok_imagine_image_2": {"referenceImages": (0, 3)},
    "hailuo3": {**_SEEDANCE, "duration": (5, 15), "promptText": (1, 6000)},
    "happyhorse_1_0": {"duration": (3, 15), "promptText": (2, 2500)},
    "ideogram_4_5": {"referenceImages": (0, 5)},
    "kling_4": {**_WAN, "referenceVideos": (0, 5)},
    "klingO3_4k": _KLING_O3,
    "klingO3_pro": _KLING_O3,
    "klingO3_standard": _KLING_O3,
    "marketing_stock_image": {"outputCount": (1, 4)},
    "mirelo_sfx_2_0": {"duration": (0.5, 180)},
    "multi_shot_video": {"prompt": (1, 2500)},
    "muse_image": {"referenceImages": (0, 10)},
    "product_ad": _PRODUCT_FILM,
    "product_swap": _PRODUCT_FILM,
    "product_ugc": _PRODUCT_FILM,
    "seed_audio": {"promptText": (1, 2048)},
    "seedance2": _SEEDANCE,
    "seedance2_5": {"duration": (4, 30), "promptImage": (1, 30), "promptText": (1, 15_000)},
    "seedance2_fast": _SEEDANCE,
    "seedance2_mini": _SEEDANCE,
    "seedream5_lite": {"outputCount": (1, 4), "promptText": (1, 4000)},
    "seedream5_pro": {"outputCount": (1, 4), "promptText": (1, 4000), "referenceImages": (0, 10)},
    "veo3": _VEO,
    "veo3.1": _VEO,
    "veo3.1_fast": _VEO,
    "wan3": _WAN,
    "wan3_prime": _WAN,
    "/v1/video_to_video:hailuo3": {"referenceVideos": (0, 2)},
    "/v1/video_to_video:klingO3_4k": _KLING_O3_EDIT,
    "/v1/video_to_video:klingO3_pro": _KLING_O3_EDIT,
    "/v1/video_to_video:klingO3_standard": _KLING_O3_EDIT,
    "/v1/video_to_video:seedance2_5": {"referenceVideos": (0, 9)},
}
_AVATAR: Final[Limits] = {
    "documentIds": (0, 50),
    "documentIds[]": (1, 100),
    "name": (1, 50),
    "personality": (1, 10_000),
    "startScript": (0, 2000),
    "voice.id": (1, 100),
}
_DOCUMENT: Final[Limits] = {"content": (1, 200_000), "name": (1, 255)}
_VOICE: Final[Limits] = {"description": (0, 1024), "from.prompt": (20, 1000), "name": (1, 100)}
_LIVEKIT: Final[Limits] = {"agentIdentity": (1, 256), "roomName": (1, 256), "token": (1, 2048), "url": (1, 2048)}
_INPUT: Final[Limits] = {"configId": (1, 64), **{f"input.{place}": bounds for place, bounds in _ANY_MODEL.items()}}
_ROUTER: Final[Limits] = {
    "description": (0, 2000),
    "name": (1, 255),
    "settings.maxCreditsPerGeneration.audio": (1, 1_000_000),
    "settings.maxCreditsPerGeneration.image": (1, 1_000_000),
    "settings.maxCreditsPerGeneration.video": (1, 1_000_000),
    "settings.models.ids": (0, 200),
    "slug": (1, 64),
}
_BY_TYPE: Final[Mapping[str, Limits]] = {
    "AvatarCreateParams": _AVATAR,
    "AvatarUpdateParams": _AVATAR,
    "DocumentCreateParams": _DOCUMENT,
    "DocumentUpdateParams": _DOCUMENT,
    "RealtimeSessionCreateParams": {
        "avatar.avatarId": (1, 100),
        "maxDuration": (10, 1800),
        "personality": (1, 10_000),
        "startScript": (1, 2000),
        "tools": (0, 20),
        "tools[].description": (1, 1024),
        "tools[].name": (1, 64),
        "tools[].parameters": (0, 20),
        "tools[].parameters[].description": (1, 1024),
        "tools[].parameters[].enum": (1, 20),
        "tools[].parameters[].enum[]": (1, 64),
        "tools[].parameters[].name": (1, 64),
        "tools[].parameters[].properties": (0, 20),
        "tools[].timeoutSeconds": (1, 8),
        "integration.signedUrl": (1, 5000),
        **{f"integration.{name}": bounds for name, bounds in _LIVEKIT.items()},
        **{f"livekit.{name}": bounds for name, bounds in _LIVEKIT.items()},
    },
    "RouterCreateParams": _ROUTER,
    "RouterUpdateParams": _ROUTER,
    "VoiceCreateParams": _VOICE,
    "VoicePreviewParams": {"prompt": (20, 1000)},
    "VoiceUpdateParams": _VOICE,
    "generate.AudioCreateParams": {**_INPUT, "input.duration": (0.5, 180)},
    "generate.ImageCreateParams": {**_INPUT, "input.referenceImages": (0, 16)},
    "generate.VideoCreateParams": {**_INPUT, "input.referenceImages": (0, 30)},
}
# The objects that reject unknown fields, by the type of the request.
_ROUTER_OBJECTS: Final = ("", "settings", "settings.fallback", "settings.maxCreditsPerGeneration")
STRICT_OBJECTS: Final[Mapping[str, Collection[str]]] = {
    "RouterCreateParams": _ROUTER_OBJECTS,
    "RouterUpdateParams": _ROUTER_OBJECTS,
    "generate.AudioCreateParams": ("input",),
    "generate.ImageCreateParams": ("input",),
    "generate.VideoCreateParams": ("input",),
}
# Models by Runway, Google and ElevenLabs ignore unknown fields; the newer models of other vendors reject them.
_LENIENT: Final = ("act_two", "aleph2", "eleven_", "gemini_", "gen3a_", "gen4", "gwm1_", "upscale_v1")


def limits_of(path: str, model: str) -> Limits:
    """The bounds of every field of this model at this endpoint."""
    return {**_ANY_MODEL, **_BY_MODEL.get(model, {}), **_BY_MODEL.get(f"{path}:{model}", {})}


def limits_of_request(type_name: str) -> Limits:
    """The bounds of every field of a request that creates no task; type_name: of its parameters in the SDK."""
    return _BY_TYPE[type_name]


def is_strict(model: str) -> bool:
    """Whether the model rejects unknown fields."""
    return model != "veo3" and not model.startswith(_LENIENT)
