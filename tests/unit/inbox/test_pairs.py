"""Pairs: each pair of object versions is one task, in any order and however often the events are delivered."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.keys import task_id_of_pair
from tarmac.inbox.rejections import Rejected
from tarmac.inbox.upload import NothingStarted, Upload, UploadDefaults
from tarmac.tasks.accept import Accepted
from tests.fakes import World
from tests.fakes.runway import MP4
from tests.fakes.samples import NOW, PNG
from tests.fakes.stories import DEADLINE_SECONDS

DEFAULTS = UploadDefaults("s3", "gen4_turbo", "", "1280:720", 5, DEADLINE_SECONDS)
CHARACTER, REFERENCE = "inbox/cast/Take 1.character.PNG", "inbox/cast/Take 1.reference.mp4"


class Bucket:
    """Object versions and their events. A test delivers the events at any time."""

    def __init__(self) -> None:
        self.world = World()
        self._numbers = itertools.count(1)

    def put(self, key: str, **about: str) -> Upload:
        number = next(self._numbers)
        content = (PNG if key.lower().endswith("png") else MP4) + bytes([number])
        metadata = {f"tarmac-{name.replace('_', '-')}": value for name, value in about.items()}
        self.world.uploads.put(key, content, "binary/octet-stream", {"tarmac-ratio": "1280:720"} | metadata)
        return Upload("uploads", key, None, f"{number:018X}", NOW + number, self.world.uploads.head(key).etag)

    def deliver(self, upload: Upload) -> Any:
        return accept_upload(upload, self.world, DEFAULTS)

    @property
    def tasks(self) -> list[str]:
        return sorted(row["taskId"] for (_, sk), row in self.world.table.rows.items() if sk == "task")


@pytest.mark.parametrize("order", [(CHARACTER, REFERENCE), (REFERENCE, CHARACTER)], ids=["image first", "film first"])
def test_the_later_half_starts_the_task(order: tuple[str, str]) -> None:
    bucket = Bucket()
    first, second = (bucket.put(key) for key in order)
    assert bucket.deliver(first) == NothingStarted("waiting")
    found = bucket.deliver(second)
    assert isinstance(found, Accepted)
    task = found.task
    assert (task.operation, task.model) == ("character_performance", "act_two")
    body = bucket.world.tasks.request(task.id)["body"]
    assert body["character"] == {"type": "image", "uri": "s3://uploads/inbox/cast/Take%201.character.PNG"}
    assert body["reference"] == {"type": "video", "uri": "s3://uploads/inbox/cast/Take%201.reference.mp4"}
    assert task.source == {"kind": "s3", "bucket": "uploads", "key": CHARACTER, "reference": REFERENCE}
    assert bucket.world.uploads.tagged == {key: {"tarmac-task": task.id} for key in (CHARACTER, REFERENCE)}


def test_a_new_version_of_a_half_starts_another_task() -> None:
    bucket = Bucket()
    for key in (CHARACTER, REFERENCE, CHARACTER):
        found = bucket.deliver(bucket.put(key))
    assert isinstance(found, Accepted)
    assert len(bucket.tasks) == 2


def test_a_late_event_of_an_older_version_starts_nothing() -> None:
    """Its key holds the newer object by then."""
    bucket = Bucket()
    old, new = bucket.put(CHARACTER), bucket.put(CHARACTER)
    bucket.deliver(new)
    found = bucket.deliver(old)
    assert isinstance(found, Rejected)
    assert "overwritten" in found.reason
    bucket.deliver(bucket.put(REFERENCE))
    assert len(bucket.tasks) == 1


def test_a_deleted_half_must_be_uploaded_again() -> None:
    bucket = Bucket()
    bucket.deliver(bucket.put(CHARACTER))
    bucket.world.uploads.delete(CHARACTER)
    film = bucket.put(REFERENCE)
    assert bucket.deliver(film) == NothingStarted("waiting")
    assert isinstance(bucket.deliver(bucket.put(CHARACTER)), Accepted)


def test_a_repeated_event_of_a_consumed_half_that_is_gone_is_superseded() -> None:
    """The half was deleted or overwritten after its task was made, so it is not rejected."""
    bucket = Bucket()
    image, film = bucket.put(CHARACTER), bucket.put(REFERENCE)
    for upload in (image, film):
        bucket.deliver(upload)
    bucket.put(CHARACTER)
    bucket.world.uploads.delete(REFERENCE)
    assert [bucket.deliver(upload) for upload in (image, film)] == [NothingStarted("superseded")] * 2
    assert bucket.world.topic.published == []
    assert len(bucket.tasks) == 1


def test_metadata_of_both_halves_is_used() -> None:
    bucket = Bucket()
    bucket.deliver(bucket.put(CHARACTER, seed="7"))
    found = bucket.deliver(bucket.put(REFERENCE, expression_intensity="3"))
    body = bucket.world.tasks.request(found.task.id)["body"]
    assert (body["seed"], body["expressionIntensity"]) == (7, 3)


def test_a_half_with_an_operation_is_accepted_like_any_other_file() -> None:
    bucket = Bucket()
    found = bucket.deliver(bucket.put("inbox/a.character.png", operation="image_to_video", duration="5"))
    assert isinstance(found, Accepted)
    alone = bucket.deliver(bucket.put("inbox/alone.png", operation="character_performance"))
    assert isinstance(alone, Rejected)
    assert "two files" in alone.reason


def test_an_invalid_half_is_rejected_when_it_arrives() -> None:
    bucket = Bucket()
    found = bucket.deliver(bucket.put(CHARACTER, seed="seven"))
    assert isinstance(found, Rejected)
    assert "tarmac-seed" in found.reason


@given(st.data())
def test_each_pair_of_versions_is_one_task_in_any_order_of_events(data: st.DataObject) -> None:
    """Uploads and deliveries interleave, and each event is delivered once or more.

    The pair of the newest versions always has a task, and no pair has two.
    """
    bucket = Bucket()
    delivered: list[Upload] = []
    pending: list[Upload] = []
    for _ in range(data.draw(st.integers(2, 5))):
        pending.append(bucket.put(data.draw(st.sampled_from([CHARACTER, REFERENCE]))))
        while pending and data.draw(st.booleans()):  # type: ignore[arg-type]
            upload = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
            bucket.deliver(upload)
            delivered.append(upload)
    for upload in data.draw(st.permutations(pending)):
        bucket.deliver(upload)
        delivered.append(upload)
    before = bucket.tasks
    last = {upload.key: upload for upload in sorted(delivered, key=lambda upload: upload.sequencer)}
    if len(last) == 2:
        halves = [(key, last[key].version) for key in (CHARACTER, REFERENCE)]
        assert task_id_of_pair("uploads", halves[0], halves[1]) in before
    for upload in data.draw(st.permutations(list(last.values()))):
        bucket.deliver(upload)
    assert bucket.tasks == before, "a repeated event starts nothing"
