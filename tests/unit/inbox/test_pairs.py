"""Two files of one name: one task for each pair of versions, whichever comes last, and however often that is told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox.accept_upload import Noted, Rejected, Upload, UploadDefaults, accept_upload
from tarmac.inbox.keys import task_id_of_pair
from tarmac.tasks.accept import Accepted
from tests.fakes import World
from tests.fakes.runway import MP4
from tests.fakes.samples import NOW, PNG
from tests.fakes.stories import DEADLINE_SECONDS

DEFAULTS = UploadDefaults("s3", "gen4_turbo", "", "1280:720", 5, DEADLINE_SECONDS)
CHARACTER, REFERENCE = "inbox/cast/Take 1.character.PNG", "inbox/cast/Take 1.reference.mp4"


class Bucket:
    """Versions of objects, each with an event that may be told at any time."""

    def __init__(self) -> None:
        self.world = World()
        self._numbers = itertools.count(1)

    def put(self, key: str, **about: str) -> Upload:
        number = next(self._numbers)
        content = (PNG if key.lower().endswith("png") else MP4) + bytes([number])
        metadata = {f"tarmac-{name.replace('_', '-')}": value for name, value in about.items()}
        self.world.uploads.put(key, content, "binary/octet-stream", {"tarmac-ratio": "1280:720"} | metadata)
        return Upload("uploads", key, None, f"{number:018X}", NOW + number, self.world.uploads.head(key).etag)

    def tell(self, upload: Upload) -> Any:
        return accept_upload(upload, self.world, DEFAULTS)

    @property
    def tasks(self) -> list[str]:
        return sorted(row["taskId"] for (_, sk), row in self.world.table.rows.items() if sk == "task")


@pytest.mark.parametrize("order", [(CHARACTER, REFERENCE), (REFERENCE, CHARACTER)], ids=["image first", "film first"])
def test_the_later_half_makes_the_task(order: tuple[str, str]) -> None:
    bucket = Bucket()
    first, second = (bucket.put(key) for key in order)
    assert bucket.tell(first) == Noted("waiting")
    found = bucket.tell(second)
    assert isinstance(found, Accepted)
    task = found.task
    assert (task.operation, task.model) == ("character_performance", "act_two")
    body = bucket.world.tasks.request(task.id)["body"]
    assert body["character"] == {"type": "image", "uri": "s3://uploads/inbox/cast/Take%201.character.PNG"}
    assert body["reference"] == {"type": "video", "uri": "s3://uploads/inbox/cast/Take%201.reference.mp4"}
    assert task.source == {"kind": "s3", "bucket": "uploads", "key": CHARACTER, "reference": REFERENCE}
    assert bucket.world.uploads.tagged == {key: {"tarmac-task": task.id} for key in (CHARACTER, REFERENCE)}


def test_a_new_version_of_a_half_is_a_new_pair() -> None:
    bucket = Bucket()
    for key in (CHARACTER, REFERENCE, CHARACTER):
        found = bucket.tell(bucket.put(key))
    assert isinstance(found, Accepted)
    assert len(bucket.tasks) == 2


def test_an_older_version_that_is_told_late_starts_nothing() -> None:
    """Its key holds another object by then."""
    bucket = Bucket()
    old, new = bucket.put(CHARACTER), bucket.put(CHARACTER)
    bucket.tell(new)
    found = bucket.tell(old)
    assert isinstance(found, Rejected)
    assert "overwritten" in found.reason
    bucket.tell(bucket.put(REFERENCE))
    assert len(bucket.tasks) == 1


def test_a_half_that_was_deleted_is_waited_for_anew() -> None:
    bucket = Bucket()
    bucket.tell(bucket.put(CHARACTER))
    bucket.world.uploads.delete(CHARACTER)
    film = bucket.put(REFERENCE)
    assert bucket.tell(film) == Noted("waiting")
    assert isinstance(bucket.tell(bucket.put(CHARACTER)), Accepted)


def test_a_half_that_has_served_its_purpose_may_be_gone_when_its_event_comes_again() -> None:
    """Deleted, or overwritten: its task is made, and nothing is wrong with it."""
    bucket = Bucket()
    image, film = bucket.put(CHARACTER), bucket.put(REFERENCE)
    for upload in (image, film):
        bucket.tell(upload)
    bucket.put(CHARACTER)
    bucket.world.uploads.delete(REFERENCE)
    assert [bucket.tell(upload) for upload in (image, film)] == [Noted("superseded")] * 2
    assert bucket.world.topic.published == []
    assert len(bucket.tasks) == 1


def test_metadata_of_both_halves_counts() -> None:
    bucket = Bucket()
    bucket.tell(bucket.put(CHARACTER, seed="7"))
    found = bucket.tell(bucket.put(REFERENCE, expression_intensity="3"))
    body = bucket.world.tasks.request(found.task.id)["body"]
    assert (body["seed"], body["expressionIntensity"]) == (7, 3)


def test_an_operation_that_is_said_makes_a_half_a_file_like_others() -> None:
    bucket = Bucket()
    found = bucket.tell(bucket.put("inbox/a.character.png", operation="image_to_video", duration="5"))
    assert isinstance(found, Accepted)
    alone = bucket.tell(bucket.put("inbox/alone.png", operation="character_performance"))
    assert isinstance(alone, Rejected)
    assert "two files" in alone.reason


def test_what_is_wrong_with_a_half_is_said_when_it_comes() -> None:
    bucket = Bucket()
    found = bucket.tell(bucket.put(CHARACTER, seed="seven"))
    assert isinstance(found, Rejected)
    assert "tarmac-seed" in found.reason


@given(st.data())
def test_each_pair_of_versions_is_one_task_in_whatever_order_it_is_told(data: st.DataObject) -> None:
    """Puts and tellings interleave; each event is told once or more. Pairs of the last versions are never missing, and
    no pair is two tasks."""
    bucket = Bucket()
    told: list[Upload] = []
    pending: list[Upload] = []
    for _ in range(data.draw(st.integers(2, 5))):
        pending.append(bucket.put(data.draw(st.sampled_from([CHARACTER, REFERENCE]))))
        while pending and data.draw(st.booleans()):  # type: ignore[arg-type]
            upload = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
            bucket.tell(upload)
            told.append(upload)
    for upload in data.draw(st.permutations(pending)):
        bucket.tell(upload)
        told.append(upload)
    before = bucket.tasks
    last = {upload.key: upload for upload in sorted(told, key=lambda upload: upload.sequencer)}
    if len(last) == 2:
        halves = [(key, last[key].version) for key in (CHARACTER, REFERENCE)]
        assert task_id_of_pair("uploads", halves[0], halves[1]) in before
    for upload in data.draw(st.permutations(list(last.values()))):
        bucket.tell(upload)
    assert bucket.tasks == before, "what is told again starts nothing"
