"""Recipes: finished campaigns from a few pictures. Their prices are made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from local.simulator.checks import Check, flag, listed, media, one_of, record, text, whole
from local.simulator.contract import ratios
from local.simulator.contract.images import output_count
from local.simulator.contract.model import NONE, Body, Model, field_names, fields, mp4, per_output, per_second, words
from local.simulator.contract.ratios import Ratios

_LANGUAGES: Final = words("ar zh zh-Hant nl en fr de hi id it ja ko pl pt ru es sv th tr uk vi el")
_image = record({"uri": media("image")}, ("uri",))
_view = record({"uri": media("image"), "view": one_of("front", "side", "back")}, ("uri",))
_shot = record({"prompt": text(3, 512), "duration": whole(1, 15)}, ("prompt", "duration"))
_FIELDS: Final[Mapping[str, Check]] = {
    "audio": flag,
    "characterImage": _image,
    "duration": whole(4, 15),
    "firstFrame": _image,
    "image": _image,
    "mode": one_of("auto", "custom"),
    "newProductImages": listed(_view, 1, 10),
    "originalProductImage": _image,
    "outputCount": whole(1, 4),
    "productImage": _image,
    "productImages": listed(_image, 1, 10),
    "productInfo": text(0, 2500),
    "prompt": text(1, 3500),
    "quality": one_of("low", "medium", "high"),
    "ratio": text(1, 32),
    "referenceImage": _image,
    "referenceVideo": record({"uri": media("video")}, ("uri",)),
    "resolution": one_of("720p", "1080p"),
    "shots": listed(_shot, 3, 5),
    "styleImages": listed(_image, 0, 4),
    "targetLanguage": one_of(*_LANGUAGES),
    "userConcept": text(0, 3500),
    "version": one_of("2026-06", "unsafe-latest"),
}


def _film(names: str, offered: Ratios = (), checks: Mapping[str, Check] = NONE, *, lasts: float = 10) -> Model:
    if offered:
        checks = {**checks, "ratio": one_of(*offered)}
    return Model(fields(names, _FIELDS, checks, strict=False), per_second(20), mp4, offered, lasts, field_names(names))


def _pictures(names: str, count: Callable[[Body], int] = lambda body: 1) -> Model:
    return Model(
        fields(names, _FIELDS, {}, strict=False),
        per_output(10, count),
        lambda body: ("png",) * count(body),
        has=field_names(names),
    )


_multi_shot: Final = {"duration": one_of(5, 10, 15), "prompt": text(1, 2500)}

RECIPES: Final[Mapping[str, Mapping[str, Model]]] = {
    "ad_localization": {"ad_localization": _pictures("referenceImage! targetLanguage! version!")},
    "marketing_stock_image": {
        "marketing_stock_image": _pictures(
            "prompt! version! outputCount quality referenceImage",
            lambda body: output_count({"outputCount": 4, **body}),
        )
    },
    # Chosen by `mode`.
    "multi_shot_video": {
        "auto": _film("mode! prompt! version! audio duration firstFrame ratio", ratios.MULTI_SHOT, checks=_multi_shot),
        "custom": _film("mode! shots! version! audio duration firstFrame ratio", ratios.MULTI_SHOT, checks=_multi_shot),
    },
    "product_ad": {
        "product_ad": _film(
            "productImages! version! audio duration productInfo ratio styleImages userConcept",
            ratios.PRODUCT_AD,
            checks={"version": one_of("2026-06", "2026-07", "unsafe-latest")},
        )
    },
    "product_campaign_image": {"product_campaign_image": _pictures("image! prompt! version!")},
    "product_swap": {
        "product_swap": _film(
            "newProductImages! originalProductImage! referenceVideo! version! audio duration resolution"
        )
    },
    "product_ugc": {
        "product_ugc": _film(
            "characterImage! productImage! version! audio duration productInfo ratio userConcept",
            ratios.PRODUCT_UGC,
            lasts=15,
        )
    },
}
