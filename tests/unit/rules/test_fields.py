"""Text becomes what the catalogue says it is, and a file's link finds the field that takes it."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import operation, operations
from tarmac.rules.fields import BadField, names_object, path_of, place_object, put, typed, with_object
from tarmac.rules.validation import check_parameters

LINK = "s3://uploads/inbox/a"


def parameters(name: str, model: str) -> Any:
    return operation(name).model(model).parameters


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("duration", "5", 5),
        ("seed", " 4294967295 ", 4294967295),
        ("promptText", " 1984 ", " 1984 "),
        ("ratio", "1280:720", "1280:720"),
        ("promptImage", "https://example.com/a.png", "https://example.com/a.png"),
        ("promptImage", '[{"uri": "https://example.com/a.png", "position": "first"}]', None),
        ("contentModeration", '{"publicFigureThreshold": "low"}', {"publicFigureThreshold": "low"}),
        ("contentModeration.publicFigureThreshold", "low", "low"),
        ("newParameter", "7", "7"),
    ],
)
def test_a_text_is_typed_by_the_catalogue(field: str, text: str, value: Any) -> None:
    found = typed(text, parameters("image_to_video", "gen4.5"), path_of(field))
    if value is None:
        assert isinstance(found, list)
    else:
        assert (found, type(found)) == (value, type(value))


def test_choices_of_numbers_and_words_among_numbers() -> None:
    assert typed("10", parameters("image_to_video", "gen3a_turbo"), ("duration",)) == 10
    assert typed("auto", parameters("image_to_video", "seedance2"), ("duration",)) == "auto"
    assert typed("true", parameters("image_to_video", "veo3.1"), ("audio",)) is True
    assert typed("5", {}, ("duration",)) == 5


@pytest.mark.parametrize(
    ("field", "text"),
    [("duration", "five"), ("duration", "5.5"), ("seed", "٣"), ("seed", ""), ("contentModeration", "{")],
)
def test_a_text_that_is_not_of_the_type_says_so(field: str, text: str) -> None:
    with pytest.raises(BadField, match="expected"):
        typed(text, parameters("image_to_video", "gen4_turbo"), (field,))


def test_one_field_has_one_path_however_it_is_spelt() -> None:
    assert path_of("prompt-text") == path_of("prompt_text") == path_of("promptText") == ("promptText",)
    assert path_of("voice.preset_id") == ("voice", "presetId")


def test_paths_lead_into_objects_and_lists() -> None:
    request: dict[str, Any] = {"voice": {"type": "preset"}}
    held = request["voice"]
    for field, value in (("voice.presetId", "Maya"), ("references.1.uri", "b"), ("references.0.uri", "a")):
        put(request, path_of(field), value)
    assert request == {"voice": {"type": "preset", "presetId": "Maya"}, "references": [{"uri": "a"}, {"uri": "b"}]}
    assert held == {"type": "preset"}, "what a preset holds is not changed"


@pytest.mark.parametrize("field", ["ratio.x", "ratio.0", "list.100", "list.99999", "a.b.c.d.e.f.g.h.i"])
def test_a_path_that_leads_nowhere_says_so(field: str) -> None:
    with pytest.raises(BadField):
        put({"ratio": "1280:720"}, path_of(field), 1)


FILES = {
    ("image_to_video", "gen4_turbo", "image"): ("promptImage", LINK),
    ("image_upscale", "magnific_precision_upscaler_v2", "image"): ("imageUri", LINK),
    ("text_to_image", "gen4_image_turbo", "image"): ("referenceImages", [{"uri": LINK}]),
    ("text_to_image", "gen4_image", "image"): ("referenceImages", [{"uri": LINK}]),
    ("video_to_video", "gen4_aleph", "video"): ("videoUri", LINK),
    ("video_to_video", "seedance2", "video"): ("promptVideo", LINK),
    ("video_to_video", "gen4_aleph", "image"): ("references", [{"type": "image", "uri": LINK}]),
    ("video_upscale", "upscale_v1", "video"): ("videoUri", LINK),
    ("video_to_audio", "mirelo_sfx_2_0", "video"): ("videoUri", LINK),
    ("video_to_hdr", "ruby", "video"): ("videoUri", LINK),
    ("speech_to_speech", "eleven_multilingual_sts_v2", "audio"): ("media", {"type": "audio", "uri": LINK}),
    ("speech_to_speech", "eleven_multilingual_sts_v2", "video"): ("media", {"type": "video", "uri": LINK}),
    ("voice_isolation", "eleven_voice_isolation", "audio"): ("audioUri", LINK),
    ("voice_dubbing", "eleven_voice_dubbing", "audio"): ("audioUri", LINK),
    ("sound_effect", "seed_audio", "audio"): ("referenceAudios", [LINK]),
    ("avatar_videos", "gwm1_avatars", "audio"): ("speech", {"type": "audio", "audio": LINK}),
    ("character_performance", "act_two", "image"): ("character", {"type": "image", "uri": LINK}),
    ("generate/video", "video_router", "image"): ("input", {"referenceImages": [{"uri": LINK, "role": "first"}]}),
    ("generate/video", "video_router", "video"): ("input", {"referenceVideos": [{"uri": LINK, "role": "source"}]}),
    ("recipes/ad_localization", "ad_localization", "image"): ("referenceImage", {"uri": LINK}),
    ("recipes/product_ad", "product_ad", "image"): ("productImages", [{"uri": LINK}]),
    ("recipes/multi_shot_video", "multi_shot_video", "image"): ("firstFrame", {"uri": LINK}),
}


@pytest.mark.parametrize(("name", "model", "kind"), FILES, ids=lambda part: part)
def test_a_file_goes_where_the_model_takes_one(name: str, model: str, kind: str) -> None:
    field, value = FILES[name, model, kind]
    request: dict[str, Any] = {}
    assert place_object(request, parameters(name, model), kind, LINK)
    assert request == {field: value}
    issues = check_parameters(request, parameters(name, model), s3_allowed=True)
    assert not [issue for issue in issues if issue.path[0] == field and issue.message != "Required"]


def test_every_operation_that_must_have_a_file_takes_a_dropped_one() -> None:
    """Whatever the catalogue calls the field: what is required and takes a file is filled by a file of that kind."""
    for name in operations():
        for model in operation(name).models.values():
            for spec in (model.parameters or {}).values():
                if spec.get("required") and spec.get("type") in ("media", "frames", "typedMedia"):
                    for kind in spec["media"]:
                        assert place_object({}, model.parameters or {}, kind, LINK), (name, model.name, kind)


def test_no_field_for_it_is_no_place() -> None:
    assert not place_object({}, parameters("image_to_video", "gen4_turbo"), "video", LINK)
    assert not place_object({}, parameters("text_to_video", "veo3.1"), "image", LINK)
    assert not place_object({}, {}, "image", LINK)


def test_a_field_that_a_preset_has_filled_is_left_to_it() -> None:
    swap = parameters("recipes/product_swap", "product_swap")
    request: dict[str, Any] = {"originalProductImage": {"uri": "https://example.com/a.png"}, "newProductImages": []}
    assert place_object(request, swap, "image", LINK)
    assert request["originalProductImage"] == {"uri": "https://example.com/a.png"}
    assert request["newProductImages"][0]["uri"] == LINK


def test_a_preset_may_say_where_the_object_belongs() -> None:
    template = {"promptImage": [{"uri": "{object}", "position": "last"}], "promptText": "the {object} moves"}
    assert names_object(template)
    assert with_object(template, LINK) == {**template, "promptImage": [{"uri": LINK, "position": "last"}]}
    assert not names_object({"promptText": "the {object} moves"})
