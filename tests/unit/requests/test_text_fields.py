"""Text is converted to the type in the catalogue, and the link to a file is placed in the field that accepts it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tarmac.catalogue import operation, operations
from tarmac.requests.object_links import names_object, place_object, with_object
from tarmac.requests.text_fields import BadField, path_of, put, typed
from tarmac.requests.validation import check

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
def test_a_text_of_another_type_is_rejected(field: str, text: str) -> None:
    with pytest.raises(BadField, match="expected"):
        typed(text, parameters("image_to_video", "gen4_turbo"), (field,))


SPECS: dict[str, dict[str, Any]] = {
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "loud": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "integer"}},
    "rows": {"type": "array", "items": {"type": "object", "properties": {"size": {"type": "number"}}}},
    "options": {"type": "object", "properties": {"loud": {"type": "boolean"}}},
    "voice": {
        "type": "object",
        "by": "type",
        "cases": {"a": {"x": {"type": "string"}}, "b": {"size": {"type": "integer"}}},
    },
    "reference": {"type": "typedMedia", "media": ["image"]},
    "frames": {"type": "frames", "media": ["image"]},
    "length": {"enum": [5, 10]},
    "quality": {"enum": ["low", 2]},
    "name": {"type": "string", "enum": ["a ", "b"]},
    "seconds": {"type": "integer", "or": ["auto"]},
    "any": {},
}

TYPED: list[tuple[str, str, Any]] = [
    ("count", " -7 ", -7),
    ("share", "2.50", 2.5),
    ("share", "-3", -3),
    ("loud", " TRUE ", True),
    ("loud", "false", False),
    ("tags", "[1, 2]", [1, 2]),
    ("tags.3", "4", 4),
    ("tags.x", "4", "4"),
    ("rows.0.size", "1.5", 1.5),
    ("options", '{"loud": 1}', {"loud": 1}),
    ("options.loud", "true", True),
    ("options.other.deep", "true", "true"),
    ("options.0", "5", "5"),
    ("voice.size", "4", 4),
    ("voice.x", " 4 ", " 4 "),
    ("voice.y", "4", "4"),
    ("reference", '{"type": "image"}', {"type": "image"}),
    ("reference.uri", "7", "7"),
    ("reference.uri", " 7 ", " 7 "),
    ("reference.uri.0", "7", "7"),
    ("frames", "https://example.com/a.png", "https://example.com/a.png"),
    ("frames", ' [{"uri": "a"}] ', [{"uri": "a"}]),
    ("frames.0", '{"uri": "a"}', {"uri": "a"}),
    ("frames.0.position", "1", "1"),
    ("frames.0.position", " first", " first"),
    ("frames.position", "{}", "{}"),
    ("length", " 10 ", 10),
    ("length", "7", 7),
    ("length", "7.5", 7.5),
    ("length", "seven", "seven"),
    ("quality", "2", 2),
    ("quality", "3", "3"),
    ("name", "a ", "a "),
    ("name", " a", " a"),
    ("name", " b", " b"),
    ("seconds", " auto", "auto"),
    ("seconds", "6", 6),
    ("any", " x ", " x "),
    ("duration", "5.5", 5.5),
    ("seed", "5", 5),
    ("options.duration", "5", "5"),
    ("unknown.seed", "5", "5"),
    ("seed.unknown", "5", "5"),
]


@pytest.mark.parametrize(("field", "text", "value"), TYPED)
def test_a_text_is_typed_by_its_description(field: str, text: str, value: Any) -> None:
    found = typed(text, SPECS, path_of(field))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("count", "1.5", "expected a whole number, received '1.5'"),
        ("count", "9" * 21, f"expected a whole number, received '{'9' * 21}'"),
        ("share", "1e5", "expected a number, received '1e5'"),
        ("loud", "yes", "expected true or false, received 'yes'"),
        ("tags", "[1", "expected JSON, received '[1'"),
        ("options", "x" * 60, f"expected JSON, received '{'x' * 40}'"),
        ("tags", "[" * 100_000, f"expected JSON, received '{'[' * 40}'"),
        ("seconds", "Auto", "expected a whole number, received 'Auto'"),
    ],
)
def test_a_text_that_does_not_fit_comes_back_with_the_reason(field: str, text: str, reason: str) -> None:
    with pytest.raises(BadField) as rejected:
        typed(text, SPECS, path_of(field))
    assert str(rejected.value) == reason


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        ({}, "a.b.c.d.e.f.g.h.i", "a field path has at most 8 levels"),
        ({"ratio": "x"}, "ratio.1", "a numbered field belongs to a list"),
        ({"ratio": {}}, "ratio.1", "a numbered field belongs to a list"),
        ({"ratio": "x"}, "ratio.width", "width belongs to an object"),
        ({"ratio": ["x"]}, "ratio.width", "width belongs to an object"),
        ({}, "list.100", "a list has at most 100 items"),
        ({}, "list.0100", "a list has at most 100 items"),
        ({}, f"list.{'9' * 5000}", "a list has at most 100 items"),
    ],
)
def test_an_invalid_path_is_rejected_with_the_reason(request_: dict[str, Any], field: str, reason: str) -> None:
    before = dict(request_)
    with pytest.raises(BadField) as rejected:
        put(request_, path_of(field), 1)
    assert str(rejected.value) == reason
    assert request_ == before


def test_paths_go_as_deep_and_as_far_as_they_may() -> None:
    request: dict[str, Any] = {"rows": [{"size": 1, "tags": ["a"]}]}
    put(request, path_of("a.b.c.d.e.f.g.h"), 1)
    put(request, path_of("list.99"), 1)
    put(request, path_of("rows.0.tags.1"), "b")
    put(request, path_of("rows.0.options.loud"), True)
    put(request, path_of("rows.0.options.soft"), False)
    assert request["a"]["b"]["c"]["d"]["e"]["f"]["g"]["h"] == 1
    assert request["list"] == [None] * 99 + [1]
    assert request["rows"] == [{"size": 1, "tags": ["a", "b"], "options": {"loud": True, "soft": False}}]


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
def test_an_invalid_path_is_rejected(field: str) -> None:
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
    issues = check(request, parameters(name, model), s3_allowed=True).issues
    assert not [issue for issue in issues if issue.path[0] == field and issue.message != "Required"]


def test_every_operation_that_must_have_a_file_takes_a_dropped_one() -> None:
    """A file fills the required field for its kind, whatever the field's name in the catalogue."""
    for name in operations():
        for model in operation(name).models.values():
            for spec in (model.parameters or {}).values():
                if spec.get("required") and spec.get("type") in ("media", "frames", "typedMedia"):
                    for kind in spec["media"]:
                        assert place_object({}, model.parameters or {}, kind, LINK), (name, model.name, kind)


IMAGE = {"type": "media", "media": ["image"]}
NEEDED = IMAGE | {"required": True}
OTHER = "https://example.com/a.png"


def within(required: bool, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


@pytest.mark.parametrize(
    ("parameters", "request_", "filled"),
    [
        ({"a": IMAGE, "b": IMAGE}, {}, {"a": LINK}),
        ({"a": IMAGE, "b": NEEDED, "c": NEEDED}, {}, {"b": LINK}),
        ({"a": IMAGE, "b": NEEDED}, {"b": OTHER}, {"a": LINK, "b": OTHER}),
        ({"a": IMAGE, "b": within(True, c=NEEDED)}, {}, {"b": {"c": LINK}}),
        ({"a": IMAGE, "b": within(False, c=NEEDED)}, {}, {"a": LINK}),
        ({"a": within(False, c=NEEDED), "b": NEEDED}, {}, {"b": LINK}),
        ({"a": within(True, c=IMAGE), "b": NEEDED}, {}, {"b": LINK}),
        ({"a": within(False, b=within(False, c=IMAGE))}, {"a": {"d": 1}}, {"a": {"b": {"c": LINK}, "d": 1}}),
        ({"a": {"type": "array", "items": IMAGE}}, {"a": [OTHER]}, {"a": [OTHER, LINK]}),
    ],
)
def test_a_file_is_placed_in_a_required_field_or_else_in_the_first_free_one(
    parameters: dict[str, Any], request_: dict[str, Any], filled: dict[str, Any]
) -> None:
    assert place_object(request_, parameters, "image", LINK)
    assert request_ == filled


@pytest.mark.parametrize(
    ("parameters", "request_"),
    [
        ({"a": IMAGE}, {"a": OTHER}),
        ({"a": {"type": "array", "items": IMAGE}}, {"a": OTHER}),
        ({"a": {"type": "frames", "media": ["image"]}}, {"a": [{"uri": OTHER, "position": "first"}]}),
        ({"a": within(False, b=within(False, c=within(False, d=IMAGE)))}, {}),
    ],
    ids=["filled", "no list", "a list of frames", "too deep"],
)
def test_a_file_without_a_free_field_changes_nothing(parameters: dict[str, Any], request_: dict[str, Any]) -> None:
    before = copy.deepcopy(request_)
    assert not place_object(request_, parameters, "image", LINK)
    assert request_ == before


def test_an_object_without_a_field_for_it_is_not_placed() -> None:
    assert not place_object({}, parameters("image_to_video", "gen4_turbo"), "video", LINK)
    assert not place_object({}, parameters("text_to_video", "veo3.1"), "image", LINK)
    assert not place_object({}, {}, "image", LINK)


def test_a_field_that_a_preset_has_filled_is_left_to_it() -> None:
    swap = parameters("recipes/product_swap", "product_swap")
    request: dict[str, Any] = {"originalProductImage": {"uri": "https://example.com/a.png"}, "newProductImages": []}
    assert place_object(request, swap, "image", LINK)
    assert request["originalProductImage"] == {"uri": "https://example.com/a.png"}
    assert request["newProductImages"][0]["uri"] == LINK


def test_a_preset_may_name_the_field_of_the_object() -> None:
    template = {"promptImage": [{"uri": "{object}", "position": "last"}], "promptText": "the {object} moves"}
    assert names_object(template)
    assert with_object(template, LINK) == {**template, "promptImage": [{"uri": LINK, "position": "last"}]}
    assert not names_object({"promptText": "the {object} moves"})
