"""Models that have left the SDK while Runway still accepts them, described as the SDK's types describe the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Required

from typing_extensions import TypedDict

from local.simulator.contract.sdk import Field, Fields, fields_of


@dataclass(frozen=True, slots=True)
class _NameInJson:
    """As the SDK's PropertyInfo."""

    alias: str


class _Frame(TypedDict):
    uri: Required[str]
    position: Required[Literal["first"]]


class _Reference(TypedDict):
    type: Required[Literal["image"]]
    uri: Required[str]


class _Moderation(TypedDict, total=False):
    public_figure_threshold: Annotated[Literal["auto", "low"], _NameInJson("publicFigureThreshold")]


_VEO3: Final = {
    "promptText": str,
    "ratio": Required[Literal["1280:720", "720:1280", "1080:1920", "1920:1080"]],
    "duration": Required[Literal[8]],
    "negativePrompt": str,
}
_MODELS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "/v1/text_to_video": {"veo3": {**_VEO3, "promptText": Required[str]}},
    "/v1/image_to_video": {
        "gen3a_turbo": {
            "promptImage": Required[str | Iterable[_Frame]],
            "promptText": str,
            "ratio": Literal[
                "768:1280", "1280:768", "1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672"
            ],
            "duration": Literal[5, 10],
            "seed": int,
            "contentModeration": _Moderation,
            "watermark": bool,
        },
        "veo3": {"promptImage": Required[str | Iterable[_Frame]], **_VEO3},
    },
    "/v1/video_to_video": {
        "gen4_aleph": {
            "videoUri": Required[str],
            "promptText": Required[str],
            "references": Iterable[_Reference],
            "seed": int,
            "contentModeration": _Moderation,
        },
    },
    "/v1/video_upscale": {"upscale_v1": {"videoUri": Required[str]}},
}


def legacy_models(path: str) -> dict[str, Fields]:
    """The fields of the models of this operation that only older SDKs know."""
    return {
        name: {"model": Field(str, required=True), **fields_of(hints)} for name, hints in _MODELS.get(path, {}).items()
    }
