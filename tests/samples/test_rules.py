"""What the documents state: models, costs, limits, formats, statuses, which failures to retry. Tested without a stack.

What holds for the running stack alone is shown elsewhere: statuses of errors and of throttled tasks in
`tests/e2e/test_create_faults.py`, sizes of uploads in `tests/unit/media`, days of usage in `tests/unit/account`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import operation
from tarmac.requests.contract import CreateUpload, parse_body
from tarmac.requests.media import LARGEST_UPLOAD, LONGEST_DATA_URI, LONGEST_URL, BadMedia, check_media_uri, input_type
from tarmac.requests.prices import estimate_credits
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.tasks.accept import Order, accept
from tarmac.tasks.failures import is_retryable
from tarmac.tasks.responses import task_view
from tarmac.tasks.task import State
from tests.fakes import World
from tests.fakes.samples import PNG, a_task
from tests.samples.requests import FACE, IMAGE, PERFORMANCE, VIDEO

PROMPT = {"promptText": "A lamp in the fog"}
GENERATED = PROMPT | {"ratio": "1280:720", "duration": 5}
EDITED = PROMPT | {"videoUri": VIDEO, "ratio": "1280:720"}
PERFORMED: dict[str, Any] = {
    "character": {"type": "image", "uri": FACE},
    "reference": {"type": "video", "uri": PERFORMANCE},
    "ratio": "1280:720",
}
RATIOS = ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")


def issues(operation_name: str, model: str, **body: Any) -> list[Issue]:
    """Return the reasons why a create is refused; none if it is accepted."""
    order = Order(operation_name, "acme", body | {"model": model}, {"kind": "api"})
    try:
        accept(order, World(), 3600)
    except InvalidRequest as refused:
        return refused.issues
    return []


def fields(operation_name: str, model: str, **body: Any) -> list[Any]:
    return [issue.path[0] for issue in issues(operation_name, model, **body)]


# Models and what each is given


@pytest.mark.parametrize("model", ["gen4.5", "veo3", "veo3.1", "veo3.1_fast"])
def test_text_becomes_video(model: str) -> None:
    own = {"duration": 5} if model == "gen4.5" else {"duration": 8}
    assert issues("text_to_video", model, **GENERATED | own) == []


@pytest.mark.parametrize("model", ["gen4.5", "gen4_turbo", "veo3", "veo3.1", "veo3.1_fast"])
def test_an_image_becomes_video(model: str) -> None:
    own = {"duration": 5 if model.startswith("gen4") else 8}
    assert issues("image_to_video", model, promptImage=IMAGE, **GENERATED | own) == []
    assert fields("image_to_video", model, **GENERATED | own) == ["promptImage"]


def test_gen4_turbo_needs_an_image() -> None:
    assert [issue.message for issue in issues("image_to_video", "gen4_turbo", **GENERATED)] == [
        "gen4_turbo needs an image"
    ]
    [refused] = issues("text_to_video", "gen4_turbo", **GENERATED)
    assert (refused.path, "/v1/image_to_video" in refused.message) == (("model",), True)


def test_gen4_aleph_edits_video_and_does_nothing_else() -> None:
    assert issues("video_to_video", "gen4_aleph", **EDITED) == []
    assert fields("video_to_video", "gen4_aleph", **PROMPT) == ["videoUri"]
    reference = {"type": "image", "uri": IMAGE}
    assert issues("video_to_video", "gen4_aleph", **EDITED, references=[reference]) == []
    assert fields("text_to_video", "gen4_aleph", **GENERATED) == ["model"]
    assert fields("image_to_video", "gen4_aleph", **GENERATED, promptImage=IMAGE) == ["model"]


@pytest.mark.parametrize("name", ["act_two", "runwayml-character-performance"])
def test_a_character_performs_what_a_clip_shows(name: str) -> None:
    """A character is an image or a video, the performance is a video."""
    assert issues("character_performance", name, **PERFORMED) == []
    assert issues("character_performance", name, **PERFORMED | {"character": {"type": "video", "uri": VIDEO}}) == []
    assert fields("character_performance", name, **PERFORMED | {"reference": {"type": "image", "uri": FACE}}) == [
        "reference"
    ]
    for lacking in ("character", "reference"):
        rest = {field: value for field, value in PERFORMED.items() if field != lacking}
        assert fields("character_performance", name, **rest) == [lacking]


@pytest.mark.parametrize(
    ("field", "taken", "refused"),
    [
        ("bodyControl", [True, False], ["yes"]),
        ("expressionIntensity", [1, 3, 5], [0, 6]),
        ("seed", [0, 1, 4294967295], [-1, 4294967296]),
        ("ratio", RATIOS, ["16:9", "1920:1080"]),
        (
            "contentModeration",
            [{"publicFigureThreshold": level} for level in ("auto", "low")],
            [{"publicFigureThreshold": "high"}],
        ),
    ],
)
def test_a_performance_is_directed(field: str, taken: Any, refused: list[Any]) -> None:
    for value in taken:
        assert issues("character_performance", "act_two", **PERFORMED | {field: value}) == []
    for value in refused:
        assert fields("character_performance", "act_two", **PERFORMED | {field: value}) == [field]


# Lengths and shapes of videos


@pytest.mark.parametrize("model", ["gen4.5", "gen4_turbo"])
def test_a_video_has_2_to_10_seconds(model: str) -> None:
    for seconds in (2, 5, 10):
        assert issues("image_to_video", model, **GENERATED | {"promptImage": IMAGE, "duration": seconds}) == []
    for seconds in (0, 1, 11):
        assert fields("image_to_video", model, **GENERATED | {"promptImage": IMAGE, "duration": seconds}) == [
            "duration"
        ]


@pytest.mark.parametrize(("model", "lengths"), [("veo3", [8]), ("veo3.1", [4, 6, 8]), ("veo3.1_fast", [4, 6, 8])])
def test_veo_has_lengths_of_its_own(model: str, lengths: list[int]) -> None:
    """Runway's reference is narrower than 2 to 10 here."""
    for seconds in range(2, 11):
        refused = fields("text_to_video", model, **GENERATED | {"duration": seconds})
        assert refused == ([] if seconds in lengths else ["duration"])


@pytest.mark.parametrize("model", ["gen4.5", "gen4_turbo"])
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_ratio_of_an_animated_image_is_accepted(model: str, ratio: str) -> None:
    assert issues("image_to_video", model, **GENERATED | {"promptImage": IMAGE, "ratio": ratio}) == []


# Credits


@pytest.mark.parametrize(
    ("name", "model", "body", "credits"),
    [
        ("text_to_video", "gen4.5", {"duration": 5}, 60),
        ("image_to_video", "gen4_turbo", {"duration": 5}, 25),
        ("text_to_video", "veo3", {"duration": 8}, 320),
        ("text_to_video", "veo3.1", {"duration": 8}, 320),
        ("text_to_video", "veo3.1", {"duration": 8, "audio": False}, 160),
        ("text_to_video", "veo3.1_fast", {"duration": 8}, 120),
        ("text_to_video", "veo3.1_fast", {"duration": 8, "audio": False}, 80),
        ("text_to_image", "gen4_image", {"ratio": "1280:720"}, 5),
        ("text_to_image", "gen4_image", {"ratio": "1920:1080"}, 8),
        ("text_to_image", "gen4_image_turbo", {"ratio": "1920:1080"}, 2),
        ("text_to_image", "gemini_2.5_flash", {"ratio": "1344:768"}, 5),
        ("text_to_speech", "eleven_multilingual_v2", {"promptText": "x" * 50}, 1),
        ("text_to_speech", "eleven_multilingual_v2", {"promptText": "x" * 51}, 2),
        ("sound_effect", "eleven_text_to_sound_v2", {}, 2),
        # Of a clip's length, which only Runway knows, the most that it may be: 10 s and 30 s.
        ("video_to_video", "gen4_aleph", {}, 150),
        ("character_performance", "act_two", {}, 150),
        ("voice_isolation", "eleven_voice_isolation", {}, None),
        ("voice_dubbing", "eleven_voice_dubbing", {}, None),
        ("speech_to_speech", "eleven_multilingual_sts_v2", {}, None),
    ],
)
def test_a_generation_costs_what_the_document_says(
    name: str, model: str, body: dict[str, Any], credits: int | None
) -> None:
    assert estimate_credits(body, operation(name).model(model).credits) == credits


@pytest.mark.parametrize(
    ("name", "model", "seconds"),
    [
        ("voice_isolation", "eleven_voice_isolation", 6),
        ("voice_dubbing", "eleven_voice_dubbing", 2),
        ("speech_to_speech", "eleven_multilingual_sts_v2", 3),
    ],
)
def test_sound_is_paid_by_the_second(name: str, model: str, seconds: int) -> None:
    assert (operation(name).model(model).credits or {})["secondsPerCredit"] == seconds


# Inputs


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://media.example.com/a.png", None),
        ("http://media.example.com/a.png", "https"),
        ("https://93.184.216.34/a.png", "domain"),
        ("https://[2606:2800:220:1::1]/a.png", "domain"),
        ("https://user:word@media.example.com/a.png", "credentials"),
        ("https://media.example.com/".ljust(LONGEST_URL, "a"), None),
        ("https://media.example.com/".ljust(LONGEST_URL + 1, "a"), "2048"),
        ("runway://an-upload", None),
        ("data:image/png;base64,iVBORw0KGgo=", None),
        ("data:image/jpeg;base64,/9j/4A==", None),
        ("data:image/webp;base64,UklGRg==", None),
        ("data:image/gif;base64,R0lGODlh", "not supported"),
        ("data:image/png;base64,".ljust(LONGEST_DATA_URI, "A"), None),
        ("data:image/png;base64,".ljust(LONGEST_DATA_URI + 1, "A"), "5242880"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_image_is_given_as_a_link_an_upload_or_a_data_uri(uri: str, reason: str | None) -> None:
    if reason is None:
        check_media_uri(uri, ("image",))
        return
    with pytest.raises(BadMedia, match=reason):
        check_media_uri(uri, ("image",))


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_video_and_sound_may_be_data_uris_too(kind: str) -> None:
    subtype = {"video": "mp4", "audio": "mpeg"}[kind]
    check_media_uri(f"data:{kind}/{subtype};base64,AAAA", (kind,))


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *((f"a.{extension}", True) for extension in ("jpg", "jpeg", "png", "webp")),
        *((f"a.{extension}", True) for extension in ("mp4", "mov", "mkv", "webm", "3gp", "ogv")),
        *((f"a.{extension}", True) for extension in ("mp3", "m4a", "aac", "flac", "wav")),
        *((f"a.{extension}", False) for extension in ("gif", "svg", "tiff", "pdf", "txt")),
    ],
)
def test_files_of_these_kinds_are_uploaded(name: str, taken: bool) -> None:
    body = {"filename": name, "type": "ephemeral"}
    if taken:
        assert parse_body(CreateUpload, body).filename == name
    else:
        with pytest.raises(InvalidRequest):
            parse_body(CreateUpload, body)


def test_a_gif_is_refused_under_any_name() -> None:
    with pytest.raises(BadMedia, match="JPEG, PNG or WebP"):
        input_type(b"GIF89a" + bytes(58), "image/png", ("image",))
    assert input_type(PNG[:64], "image/png", ("image",)) == "image/png"


def test_an_upload_has_200_mebibytes_at_most() -> None:
    assert LARGEST_UPLOAD == 200 * 2**20


# Statuses, and what may be retried


@pytest.mark.parametrize(
    ("state", "upstream", "shown"),
    [
        (State.ACCEPTED, None, "PENDING"),
        (State.SUBMITTED, "PENDING", "PENDING"),
        (State.SUBMITTED, "THROTTLED", "THROTTLED"),
        (State.SUBMITTED, "RUNNING", "RUNNING"),
        # Exceeding a day's quota does not fail the create: the task waits for its turn.
        (State.WAITING, None, "THROTTLED"),
        (State.SUCCEEDED, "SUCCEEDED", "SUCCEEDED"),
        (State.FAILED, "FAILED", "FAILED"),
    ],
)
def test_a_task_is_shown_in_runways_words(state: State, upstream: str | None, shown: str) -> None:
    task = a_task(state, upstream_status=upstream, failure="No", failure_code="INTERNAL")
    view = task_view(task, str)
    assert view["status"] == shown
    assert ("output" in view) == (shown == "SUCCEEDED")
    assert ("failure" in view, "failureCode" in view) == (shown == "FAILED",) * 2


@pytest.mark.parametrize(
    ("code", "again"),
    [
        ("SAFETY.INPUT.TEXT", False),
        ("SAFETY.INPUT.IMAGE", False),
        ("ASSET.INVALID", False),
        ("INTERNAL.BAD_OUTPUT", True),
        ("INTERNAL.BAD_OUTPUT.01", True),
        ("INTERNAL", True),
        # The documents recommend another prompt; a retry of the same prompt only costs the same again.
        ("SAFETY.OUTPUT.VIDEO", False),
    ],
)
def test_a_failed_generation_is_bought_again_where_that_may_help(code: str, again: bool) -> None:
    assert is_retryable(code) is again
