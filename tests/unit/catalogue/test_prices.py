"""Estimates by request for each model with a price in the catalogue, and none for others."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import Model, operation
from tarmac.requests.prices import estimate_credits
from tests.unit.catalogue.catalogue_bodies import MEDIA, for_each_entry, minimal

IMAGE = {"uri": MEDIA["image"]}
CLIP = {"type": "video", "uri": MEDIA["video"]}
T2V, I2V, V2V, T2I = "text_to_video", "image_to_video", "video_to_video", "text_to_image"

PRICES: list[tuple[str, str, dict[str, Any], int | None]] = [
    (T2V, "gen4.5", {"duration": 5}, 60),
    (T2V, "gen4.5", {"duration": 5, "outputFormat": "mp4"}, 60),
    (T2V, "gen4.5", {"duration": 5, "outputFormat": "prores"}, 85),
    (I2V, "gen4.5", {"duration": 5, "outputFormat": "png_sequence"}, 85),
    (I2V, "gen4.5", {"duration": 5, "outputFormat": "hdr10"}, 160),
    (I2V, "gen4_turbo", {"duration": 5}, 25),
    (I2V, "gen4_turbo", {}, 50),
    (T2V, "veo3.1", {"duration": 8}, 320),
    (T2V, "veo3.1", {"duration": 8, "audio": False}, 160),
    (T2V, "veo3.1_fast", {"duration": 4, "audio": False}, 40),
    (T2V, "seedance2", {"duration": 5}, 180),
    (T2V, "seedance2", {"duration": "auto"}, 540),
    (T2V, "seedance2_fast", {"duration": 5}, None),
    (T2V, "seedance2_5", {"duration": 4, "ratio": "1280:720"}, 120),
    (T2V, "seedance2_5", {"duration": 4, "ratio": "640:640"}, 80),
    (T2V, "seedance2_5", {}, 150),
    (T2V, "seedance2_5", {"duration": "auto"}, 900),
    (T2V, "seedance2_5", {"duration": 5, "ratio": "1920:1080"}, None),
    (T2V, "seedance2_5", {"duration": 5, "ratio": "1920:1080", "draft": True}, 100),
    (T2V, "seedance2_5", {"draftTaskId": "0b7c"}, None),
    (T2V, "seedance2_5", {"duration": 5, "referenceVideos": [CLIP]}, 600),
    (V2V, "seedance2_5", {"duration": 5}, 600),
    (V2V, "seedance2_5", {"duration": 5, "ratio": "640:640"}, 400),
    (T2V, "grok_imagine_1_5", {"duration": 5, "resolution": "480p"}, 50),
    (T2V, "grok_imagine_1_5", {"duration": 5, "resolution": "720p"}, None),
    (T2V, "grok_imagine_1_5", {"resolution": "480p"}, None),
    (V2V, "aleph2", {}, 840),
    (V2V, "aleph2", {"outputFormat": "prores"}, 990),
    ("character_performance", "act_two", {}, 150),
    (T2I, "gen4_image", {"ratio": "1280:720"}, 5),
    (T2I, "gen4_image", {"ratio": "1920:1080"}, 8),
    (T2I, "gen4_image_turbo", {"ratio": "1920:1080"}, 2),
    (T2I, "gemini_image3_pro", {"ratio": "1024:1024"}, 20),
    (T2I, "gemini_image3_pro", {"ratio": "4096:4096", "outputCount": 4}, 160),
    (T2I, "gpt_image_2", {"outputCount": 10}, 410),
    (T2I, "seedream5_pro", {"ratio": "auto_1k"}, 5),
    (T2I, "seedream5_pro", {"ratio": "auto_2k"}, 9),
    (T2I, "bria_fibo_1_5", {"ratio": "2048:2048"}, 10),
    (T2I, "ideogram_4_0", {}, 11),
    (T2I, "ideogram_4_0", {"quality": "medium", "outputCount": 2}, 14),
    (T2I, "ideogram_4_5", {}, 25),
    (T2I, "ideogram_4_5", {"referenceImages": [IMAGE]}, 8),
    (T2I, "ideogram_4_5", {"referenceImages": [IMAGE], "preciseEdit": True}, 25),
    (T2I, "ideogram_4_5", {"referenceImages": [IMAGE], "quality": "very_low"}, 1),
    (T2I, "grok_imagine_image_2", {}, None),
    ("text_to_speech", "eleven_multilingual_v2", {"promptText": "x" * 50}, 1),
    ("text_to_speech", "eleven_multilingual_v2", {"promptText": "x" * 51}, 2),
    ("text_to_speech", "eleven_v3", {"promptText": "x" * 5000}, 100),
    ("sound_effect", "eleven_text_to_sound_v2", {}, 2),
    ("sound_effect", "seed_audio", {}, None),
    ("speech_to_speech", "eleven_multilingual_sts_v2", {}, None),
    ("voice_dubbing", "eleven_voice_dubbing", {}, None),
    ("voice_isolation", "eleven_voice_isolation", {}, None),
    ("video_to_hdr", "ruby", {}, None),
    ("video_upscale", "magnific_video_upscaler_creative", {}, None),
    ("recipes/product_ad", "product_ad", {"duration": 10}, None),
    ("generate/video", "video_router", {}, None),
]


@pytest.mark.parametrize(("operation_name", "model_name", "more", "credits"), PRICES)
def test_a_request_costs_the_price_of_its_model(
    operation_name: str, model_name: str, more: dict[str, Any], credits: int | None
) -> None:
    model = operation(operation_name).model(model_name)
    assert estimate_credits(minimal(model) | more, model.credits) == credits


@for_each_entry
def test_an_estimate_is_whole_credits_or_none(name: str, model: Model) -> None:
    estimate = estimate_credits(minimal(model), model.credits)
    assert estimate is None or (type(estimate) is int and estimate > 0)
