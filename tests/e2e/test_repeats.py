"""A retried create is bought once; two creates with equal bodies are two tasks."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import image_to_video, mark_of, text_to_video
from tests.e2e.simulator import Simulator


@pytest.fixture
def key() -> str:
    """An idempotency key that is this test's own."""
    return str(uuid.uuid4())


def test_the_same_key_and_body_get_the_first_response(
    api: Api, deployment: Deployment, simulator: Simulator, key: str
) -> None:
    """At once, while it runs, and after it has ended: one task, one create at Runway."""
    body = text_to_video("seconds=60")
    first = api.post("text_to_video", body, idempotency_key=key)
    again = api.post("text_to_video", body, idempotency_key=key)
    task_id = first.json()["id"]
    assert (again.status_code, again.json()) == (200, first.json())

    api.ended(task_id)
    late = api.post("text_to_video", body, idempotency_key=key)

    assert late.json() == first.json()
    assert api.ids() == [task_id]
    assert deployment.announced(task_id).run == 1
    assert len(simulator.creates(mark_of(body))) == 1


def test_the_same_key_eight_times_at_once_is_one_task(
    api: Api, deployment: Deployment, simulator: Simulator, key: str
) -> None:
    """No request waits for the first response; all get the same task."""
    body = text_to_video()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post("text_to_video", body, idempotency_key=key), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8, [answer.text for answer in answers]
    (task_id,) = {answer.json()["id"] for answer in answers}
    assert api.ids() == [task_id]
    assert api.ended(task_id)["status"] == "SUCCEEDED"
    assert deployment.announced(task_id).attempt == 1
    assert len(simulator.creates(mark_of(body))) == 1


def test_a_key_with_another_body_is_rejected(api: Api, key: str) -> None:
    """422, and the first task is unharmed. Bodies are compared as bytes, so nothing is ever guessed."""
    task_id = api.create("text_to_video", text_to_video(), idempotency_key=key)
    other = api.post("text_to_video", text_to_video(), idempotency_key=key)
    assert other.status_code == 422
    assert other.json() == {"error": "This Idempotency-Key was used before with another body"}
    assert api.ids() == [task_id]


def test_a_key_belongs_to_its_path_and_its_client(api: Api, deployment: Deployment, key: str) -> None:
    """The same key on another path or of another client is a new create."""
    body = image_to_video(model="gen4.5")
    one = api.create("text_to_video", {**body, "promptImage": None}, idempotency_key=key)
    two = api.create("image_to_video", body, idempotency_key=key)
    with Api.of_new_client(deployment) as other:
        three = other.create("image_to_video", body, idempotency_key=key)
        assert other.ids() == [three]
    assert len({one, two, three}) == 3
    assert api.ids() == [two, one]


def test_a_key_of_a_refused_request_is_not_spent(api: Api, key: str) -> None:
    """Nothing was accepted under it."""
    assert api.post("text_to_video", text_to_video(ratio="1:1"), idempotency_key=key).status_code == 400
    task_id = api.create("text_to_video", text_to_video(), idempotency_key=key)
    assert api.ids() == [task_id]


def test_without_a_key_two_creates_are_two_tasks(api: Api, simulator: Simulator) -> None:
    body = text_to_video()
    ids = {api.create("text_to_video", body) for _ in range(2)}
    assert set(api.ids()) == ids
    assert len(ids) == 2
    for task_id in ids:
        api.ended(task_id)
    assert len(simulator.creates(mark_of(body))) == 2


def test_an_sdks_own_retry_finds_its_first_attempt(api: Api) -> None:
    """After a lost response the client has not read the task. A second retry finds it again if that response is lost
    too; another first retry belongs to another create."""
    body = text_to_video()
    first = api.create("text_to_video", body, x_stainless_retry_count="0")
    for number in ("1", "2"):
        assert api.create("text_to_video", body, x_stainless_retry_count=number) == first
    second = api.create("text_to_video", body, x_stainless_retry_count="1")
    assert second != first
    assert api.ids() == [second, first]


def test_a_retry_does_not_find_a_task_that_was_read(api: Api) -> None:
    """A client that has read the task knows its id, so it received the response."""
    body = text_to_video()
    known = api.create("text_to_video", body)
    api.read(known)
    retried = api.create("text_to_video", body, x_stainless_retry_count="1")
    assert retried != known


def test_a_retry_finds_only_its_own_clients_path_and_bytes(api: Api, deployment: Deployment) -> None:
    body = text_to_video()
    first = api.create("text_to_video", body)
    with Api.of_new_client(deployment) as other:
        assert other.create("text_to_video", body, x_stainless_retry_count="1") != first
    assert api.create("text_to_video", {**body, "seed": 1}, x_stainless_retry_count="1") != first
    assert api.create("text_to_video", body, x_stainless_retry_count="2") == first


def test_four_identical_creates_are_four_tasks(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """One is plain, one loses its response, one never arrives, one is plain again. The client reads each task, as an
    SDK's wait does, so that no retry finds a task that another create has returned."""
    body = text_to_video()

    def got(task_id: str) -> str:
        api.read(task_id)
        return task_id

    plain = got(api.create("text_to_video", body))
    lost = api.create("text_to_video", body)
    found = got(api.create("text_to_video", body, x_stainless_retry_count="1"))
    assert found == lost
    never_arrived = got(api.create("text_to_video", body, x_stainless_retry_count="1"))
    plain_again = got(api.create("text_to_video", body))

    ids = [plain_again, never_arrived, found, plain]
    assert len(set(ids)) == 4
    assert api.ids() == ids
    for task_id in ids:
        assert api.ended(task_id)["status"] == "SUCCEEDED"
        assert deployment.announced(task_id).attempt == 1
    assert len(simulator.creates(mark_of(body))) == 4
