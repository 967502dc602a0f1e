"""`tarmac models`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.commands.models import price_in_words
from tarmac.catalogue import operation
from tests.unit.catalogue.catalogue_bodies import ENTRIES


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["models", *arguments], env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    return result.output


def test_lists_every_model_of_every_operation() -> None:
    shown = run()
    for name, model in ENTRIES:
        assert f"POST /v1/{name}" in shown
        assert model.name in shown


def test_lists_one_operation() -> None:
    shown = run("--operation", "image_to_video")
    assert "gen4_turbo" in shown
    assert "legacy" in shown
    assert "text_to_video" not in shown


def test_json_contains_all_details() -> None:
    entries = json.loads(run("--json"))
    assert len(entries) == len(ENTRIES)
    [veo] = [e for e in entries if (e["operation"], e["model"]) == ("image_to_video", "veo3")]
    assert veo["legacy"] is True
    assert veo["required"] == ["promptImage", "ratio", "duration"]
    assert veo["durations"] == [8]
    assert "1280:720" in veo["ratios"]
    assert veo["credits"] == {"perSecond": 40, "confidence": "high"}


def test_an_unknown_operation_is_rejected_with_the_known_ones() -> None:
    result = CliRunner().invoke(app, ["models", "--operation", "image_to_music"])
    assert result.exit_code != 0
    assert "image_to_video" in result.output


@pytest.mark.parametrize(
    ("operation_name", "model", "words"),
    [
        ("text_to_video", "gen4.5", "12/s or +5/s or +20/s"),
        ("text_to_video", "veo3.1", "40/s (20 silent) (?)"),
        ("text_to_video", "seedance2_5", "30/s or 20/s, at least 80 (?)"),
        ("text_to_video", "grok_imagine_1_5", "10/s (?)"),
        ("text_to_image", "gen4_image", "8/image or 5/image"),
        ("text_to_speech", "eleven_multilingual_v2", "1 for 50 characters"),
        ("voice_isolation", "eleven_voice_isolation", "1 for 6 s"),
        ("sound_effect", "eleven_text_to_sound_v2", "2 each (?)"),
        ("text_to_image", "recraft_v4_1_flash", "unknown"),
    ],
)
def test_prices_are_short_texts(operation_name: str, model: str, words: str) -> None:
    assert price_in_words(operation(operation_name).model(model).credits) == words
