"""An upload as input of a create: its owner, age, existence and type are checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tarmac.media.create_upload import create_upload
from tarmac.media.inputs import MOST_INPUTS, InputMissing, InputUnusable, upload_inputs
from tarmac.requests.media import LARGEST_UPLOAD
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.flavors import COMETAPI
from tarmac.tasks.accept import Order, accept
from tests.fakes import MemoryObjects, World
from tests.fakes.samples import PNG, data_uri, good_body

DAY = 24 * 3600.0
A_MINUTE = 60.0
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(64)
M4A = b"\x00\x00\x00\x18ftypM4A " + bytes(64)
OGG = b"OggS" + bytes(60)
THEORA = b"OggS" + bytes(25) + b"\x80theora" + bytes(60)
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(64)
CHARACTER = ("character_performance", "act_two")
DEFAULT = ("image_to_video", "gen4_turbo")


def upload(world: World, content: bytes | None = PNG, name: str = "a.png", client: str = "acme") -> str:
    """The URI of a slot. `content` is uploaded to it unless it is None."""
    slot = create_upload(name, client, world)
    if content is not None:
        key = slot.form.fields["key"]
        world.uploads.put(key, content, slot.form.fields["Content-Type"])
    return slot.uri


def create(world: World, which: tuple[str, str] = DEFAULT, client: str = "acme", **changes: Any) -> dict[str, Any]:
    """The held request of an accepted create."""
    order = Order(which[0], client, good_body(*which, **changes), {"kind": "api"})
    return world.tasks.request(accept(order, world, 3600).task.id)


def problem(world: World, which: tuple[str, str] = DEFAULT, client: str = "acme", **changes: Any) -> tuple[Any, str]:
    """Path and message of the only issue of a rejected create, which starts no execution."""
    before = len(world.executions.started)
    with pytest.raises(InvalidRequest) as rejected:
        create(world, which, client, **changes)
    assert len(world.executions.started) == before
    [issue] = rejected.value.issues
    return issue.path, issue.message


def test_an_upload_is_a_stored_input(world: World) -> None:
    uri = upload(world)
    held = create(world, promptImage=uri)
    [source] = held["inputs"]
    assert (source["path"], source["bucket"], source["kinds"]) == (["promptImage"], "uploads", ["image"])
    assert upload_inputs(held, world, A_MINUTE)["promptImage"] == "runway://upload-1"
    assert world.runway.uploads == {"runway://upload-1": PNG}


def test_it_works_in_every_kind_of_media_field(world: World) -> None:
    frames = [{"uri": upload(world), "position": "first"}, {"uri": upload(world), "position": "last"}]
    held = create(world, ("image_to_video", "veo3.1"), promptImage=frames)
    assert [source["path"] for source in held["inputs"]] == [["promptImage", 0, "uri"], ["promptImage", 1, "uri"]]

    reference = {"type": "video", "uri": upload(world, MP4, "a.mp4")}
    held = create(world, CHARACTER, character={"type": "image", "uri": upload(world)}, reference=reference)
    assert sorted(source["path"] for source in held["inputs"]) == [["character", "uri"], ["reference", "uri"]]

    held = create(world, somethingNew={"uri": upload(world)})
    assert [source["path"] for source in held["inputs"]] == [["somethingNew", "uri"]]


def test_it_may_be_used_again(world: World) -> None:
    uri = upload(world)
    for _ in range(3):
        assert len(create(world, promptImage=uri)["inputs"]) == 1


def test_it_waits_with_its_task(world: World) -> None:
    """The URI is over after a day; the file of an accepted task is not."""
    held = create(world, promptImage=upload(world))
    world.clock.advance(2 * DAY)
    assert upload_inputs(held, world, A_MINUTE)["promptImage"] == "runway://upload-1"


def test_anothers_unknown_and_expired_uploads_have_the_same_issue(world: World) -> None:
    uri = upload(world)
    problems = {problem(world, client="other", promptImage=uri)}
    problems.add(problem(world, promptImage="runway://tarmac/" + "A" * 43))
    problems.add(problem(world, promptImage="runway://tarmac/"))
    problems.add(problem(world, promptImage="runway://tarmac/../../task"))
    world.clock.advance(DAY - 1)
    create(world, promptImage=uri)
    world.clock.advance(1)
    problems.add(problem(world, promptImage=uri))
    [(path, message)] = problems
    assert path == ("promptImage",)
    assert "24 hours" in message


def test_a_slot_without_a_file_is_reported(world: World) -> None:
    path, message = problem(world, promptImage=upload(world, content=None))
    assert path == ("promptImage",)
    assert "no file was uploaded" in message


def test_all_problems_are_reported_at_once(world: World) -> None:
    body = good_body("image_to_video", "veo3.1")
    body["promptImage"] = [
        {"uri": upload(world, content=None), "position": "first"},
        {"uri": upload(world, client="other"), "position": "last"},
    ]
    with pytest.raises(InvalidRequest) as rejected:
        accept(Order("image_to_video", "acme", body, {"kind": "api"}), world, 3600)
    assert [issue.path for issue in rejected.value.issues] == [("promptImage", 0, "uri"), ("promptImage", 1, "uri")]


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"GIF89a" + bytes(64), "a.png", "GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "a.png", "not an image"),
        (b"PK\x03\x04" + bytes(64), "a.png", "not an image"),
        (b"just text", "a.png", "not an image"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(64), "a.png", "not an image"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(64), "a.png", "not an image"),
        (MP4, "a.png", "expected image, the file is video/mp4"),
        (WAV, "a.wav", "expected image, the file is audio/wav"),
        (b"", "a.png", "not an image"),
    ],
)
def test_a_file_that_does_not_fit_its_field_is_rejected(content: bytes, name: str, word: str, world: World) -> None:
    path, message = problem(world, promptImage=upload(world, content, name))
    assert path == ("promptImage",)
    assert word in message


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PNG, "a.jpg", "image"),
        (MP4, "a.mp4", "video"),
        (MP4, "a.m4a", "audio"),
        (M4A, "a.m4a", "audio"),
        (OGG, "a.ogg", "audio"),
        (OGG, "a.ogv", "video"),
        (THEORA, "a.ogv", "video"),
        (WAV, "a.mp3", "audio"),
    ],
)
def test_the_name_decides_only_if_the_content_is_ambiguous(content: bytes, name: str, kind: str, world: World) -> None:
    """One container format may hold sound or pictures. The name decides which."""
    field = {"image": DEFAULT, "video": ("video_to_video", "gen4_aleph")}.get(kind)
    uri = upload(world, content, name)
    if field is None:
        order = Order("speech_to_speech", "acme", _speech(uri), {"kind": "api"})
        assert len(world.tasks.request(accept(order, world, 3600).task.id)["inputs"]) == 1
    else:
        parameter = "promptImage" if kind == "image" else "videoUri"
        assert len(create(world, field, **{parameter: uri})["inputs"]) == 1


def _speech(uri: str) -> dict[str, Any]:
    return {
        "model": "eleven_multilingual_sts_v2",
        "media": {"type": "audio", "uri": uri},
        "voice": {"type": "runway-preset", "presetId": "Maya"},
    }


@pytest.mark.parametrize("uri", ["runway://an-ephemeral-upload", "runway://tarmac", "runway://Tarmac/AAAAAAAAAAAAAAAA"])
def test_runways_own_uris_pass(uri: str, world: World) -> None:
    held = create(world, promptImage=uri)
    assert (held["body"]["promptImage"], held["inputs"]) == (uri, [])


def test_a_prompt_stays_a_prompt(world: World) -> None:
    uri = upload(world)
    held = create(world, promptText=uri)
    assert (held["body"]["promptText"], held["inputs"]) == (uri, [])


def test_a_request_has_a_bounded_number_of_files(world: World) -> None:
    uri = upload(world)
    assert len(create(world, more=[uri] * (MOST_INPUTS))["inputs"]) == MOST_INPUTS
    path, message = problem(world, more=[uri] * (MOST_INPUTS + 1))
    assert path == ("more", MOST_INPUTS)
    assert str(MOST_INPUTS) in message


@pytest.mark.parametrize(
    "extra",
    [
        {"promptText": "\u3042" * 400_000},
        {"numbers": list(range(250_000))},
        {"names": {f"name-{n}": n for n in range(100_000)}},
        {"parts": ["x" * 1000] * 1100},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_a_field_that_does_not_fit_into_the_row_is_rejected_by_name(extra: dict[str, Any], world: World) -> None:
    """The catalogue does not know the model, so nothing else is checked."""
    order = Order("text_to_video", "acme", {"model": "some_new_model", **extra}, {"kind": "s3"})
    with pytest.raises(InvalidRequest) as rejected:
        accept(order, world, 3600)
    assert [(issue.code, issue.path) for issue in rejected.value.issues] == [("too_big", (next(iter(extra)),))]


def test_files_do_not_count_as_that(world: World) -> None:
    order = Order("text_to_video", "acme", {"model": "some_new_model", "clip": data_uri(PNG * 2000)}, {"kind": "api"})
    assert accept(order, world, 3600).is_new


class TestLinks:
    """`s3://` of buckets that the operator allows."""

    @pytest.fixture
    def media(self, world: World) -> MemoryObjects:
        bucket = MemoryObjects("media")
        bucket.put("cats/a cat+.png", PNG, "application/octet-stream")
        world.input_buckets["media"] = bucket
        return bucket

    def order(self, uri: Any, **changes: Any) -> Order:
        body = good_body(*DEFAULT, promptImage=uri, **changes)
        return Order(DEFAULT[0], "acme", body, {"kind": "api"}, s3_allowed={"media", "uploads"})

    def held(self, world: World, uri: str) -> dict[str, Any]:
        return world.tasks.request(accept(self.order(uri), world, 3600).task.id)

    def test_are_read_at_submit(self, world: World, media: MemoryObjects) -> None:
        held = self.held(world, "s3://media/cats/a%20cat%2B.png?versionId=v1")
        [source] = held["inputs"]
        assert (source["bucket"], source["key"], source["versionId"]) == ("media", "cats/a cat+.png", "v1")
        assert upload_inputs(held, world, A_MINUTE)["promptImage"] == "runway://upload-1"
        assert world.runway.uploads == {"runway://upload-1": PNG}

    @pytest.mark.parametrize(
        "uri",
        [
            "s3://elsewhere/a.png",
            "s3://MEDIA/a.png",
            "s3://media",
            "s3://media/",
            "s3:///a.png",
            "s3://uploads/inputs/task/01.png",
            "s3://uploads/uploads/token.png",
            "s3://uploads/%69nputs/task/01.png",
            "s3://media/a.png?versionId=",
            "s3://media/a.png?partNumber=1",
            "s3://media/a.png#part",
            "s3://[media/a.png",
        ],
    )
    def test_that_are_invalid_are_rejected(self, uri: str, world: World) -> None:
        with pytest.raises(InvalidRequest) as rejected:
            accept(self.order(uri), world, 3600)
        assert [issue.path for issue in rejected.value.issues] == [("promptImage",)]

    def test_are_rejected_where_no_bucket_is_allowed(self, world: World) -> None:
        path, message = problem(world, promptImage="s3://media/cats/a.png")
        assert (path, "not accepted" in message) == (("promptImage",), True)

    def test_into_a_bucket_that_is_no_longer_allowed_end_the_task(self, world: World, media: MemoryObjects) -> None:
        held = self.held(world, "s3://media/cats/a%20cat%2B.png")
        world.input_buckets.clear()
        with pytest.raises(InputMissing, match="media"):
            upload_inputs(held, world, A_MINUTE)

    def test_to_a_file_of_another_kind_end_the_task(self, world: World, media: MemoryObjects) -> None:
        media.put("a.png", MP4, "image/png")
        with pytest.raises(InputUnusable, match="video/mp4"):
            upload_inputs(self.held(world, "s3://media/a.png"), world, A_MINUTE)

    def test_to_a_file_that_is_too_large_end_the_task_unread(self, world: World, media: MemoryObjects) -> None:
        content, stored = media.objects["cats/a cat+.png"]
        media.objects["large.png"] = content, replace(stored, size_bytes=LARGEST_UPLOAD + 1)
        held = self.held(world, "s3://media/large.png")
        with pytest.raises(InputUnusable, match="209715200"):
            upload_inputs(held, world, A_MINUTE)
        assert world.runway.uploads == {}

    def test_two_buckets_may_have_the_same_key(self, world: World, media: MemoryObjects) -> None:
        media.put("a.png", PNG, "image/png")
        world.uploads.put("a.png", PNG + b"other", "image/png")
        order = self.order("s3://media/a.png", second="s3://uploads/a.png", third="s3://media/a.png")
        body = upload_inputs(world.tasks.request(accept(order, world, 3600).task.id), world, A_MINUTE)
        assert body["promptImage"] == body["third"] != body["second"]
        assert sorted(world.runway.uploads.values()) == [PNG, PNG + b"other"]


class TestOwnOutputs:
    """A task may use another task's output as input: by the link in that task's response, or by bucket and key."""

    KEY = "acme/2026/11/20/0b7c1de2-7a3f-4a51-9d63-0c5a8b1f2e47/01.png"
    LINKS = (
        f"https://archive.s3.eu-central-1.amazonaws.com/{KEY}?X-Amz-Signature=abc&X-Amz-Expires=3600",
        f"http://127.0.0.1:4566/archive/{KEY}?X-Amz-Signature=abc",
        f"s3://archive/{KEY}",
    )

    @pytest.fixture(autouse=True)
    def output(self, world: World) -> None:
        world.archive.put(self.KEY, PNG, "image/png")

    @pytest.mark.parametrize("link", LINKS)
    def test_are_uploaded_like_any_other_input(self, link: str, world: World) -> None:
        held = create(world, promptImage=link)
        [source] = held["inputs"]
        assert (source["bucket"], source["key"]) == ("archive", self.KEY)
        assert "X-Amz" not in str(held), "a signed link is not stored"
        assert upload_inputs(held, world, A_MINUTE)["promptImage"] == "runway://upload-1"
        assert world.runway.uploads == {"runway://upload-1": PNG}

    def test_fit_every_place_of_a_file(self, world: World) -> None:
        frames = [
            {"uri": link, "position": position}
            for link, position in zip(self.LINKS[1:], ("first", "last"), strict=True)
        ]
        held = create(world, ("image_to_video", "veo3.1"), promptImage=frames)
        assert [source["path"] for source in held["inputs"]] == [["promptImage", 0, "uri"], ["promptImage", 1, "uri"]]

    @pytest.mark.parametrize("link", LINKS[1:])
    def test_of_others_are_no_input(self, link: str, world: World) -> None:
        path, _ = problem(world, client="other", promptImage=link)
        assert path == ("promptImage",)

    def test_of_others_by_a_signed_link_are_links_for_runway(self, world: World) -> None:
        """A signed link is valid for anyone who has it. Runway fetches it, Tarmac does not."""
        held = create(world, client="other", promptImage=self.LINKS[0])
        assert (held["inputs"], held["body"]["promptImage"]) == ([], self.LINKS[0])

    def test_in_a_prompt_stay_text(self, world: World) -> None:
        held = create(world, promptText=self.LINKS[2])
        assert held["body"]["promptText"] == self.LINKS[2]
        assert held["inputs"] == []

    def test_of_another_kind_do_not_fit(self, world: World) -> None:
        world.archive.put(self.KEY, MP4, "image/png")
        path, message = problem(world, promptImage=self.LINKS[0])
        assert (path, "video/mp4" in message) == (("promptImage",), True)

    def test_that_are_not_found_are_rejected(self, world: World) -> None:
        world.archive.delete(self.KEY)
        path, message = problem(world, promptImage=self.LINKS[0])
        assert (path, "not found" in message) == (("promptImage",), True)

    def test_that_were_deleted_since_are_reported_as_missing(self, world: World) -> None:
        held = create(world, promptImage=self.LINKS[0])
        world.archive.delete(self.KEY)
        with pytest.raises(InputMissing):
            upload_inputs(held, world, A_MINUTE)

    def test_do_not_let_in_other_links(self, world: World) -> None:
        frames = [
            {"uri": self.LINKS[0], "position": "first"},
            {"uri": "s3://elsewhere/a.png", "position": "last"},
        ]
        path, _ = problem(world, ("image_to_video", "veo3.1"), promptImage=frames)
        assert path == ("promptImage", 1, "uri")


class TestAnUpstreamThatTakesNoUploads:
    @pytest.fixture
    def world(self) -> World:
        return World(flavor=COMETAPI)

    def test_an_input_is_given_as_a_link_that_lives_as_long_as_its_task_may(self, world: World) -> None:
        held = create(world, promptImage=upload(world))
        [source] = held["inputs"]
        assert upload_inputs(held, world, A_MINUTE)["promptImage"] == world.uploads.link(source["key"], 48 * 3600)
        assert world.runway.uploads == {}

    def test_a_file_that_does_not_fit_its_field_is_not_given(self, world: World) -> None:
        held = create(world, promptImage=upload(world))
        world.uploads.put(held["inputs"][0]["key"], WAV, "image/png")
        with pytest.raises(InputUnusable, match="audio/wav"):
            upload_inputs(held, world, A_MINUTE)

    def test_a_deleted_file_is_reported_as_missing(self, world: World) -> None:
        held = create(world, promptImage=upload(world))
        world.uploads.delete(held["inputs"][0]["key"])
        with pytest.raises(InputMissing):
            upload_inputs(held, world, A_MINUTE)

    def test_an_upload_to_runway_is_rejected(self, world: World) -> None:
        path, message = problem(world, promptImage="runway://an-upload-to-runway-itself")
        assert (path, "CometAPI" in message) == (("promptImage",), True)
