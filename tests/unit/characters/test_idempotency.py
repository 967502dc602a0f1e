"""A retried create creates no second item: with an idempotency key, and as an SDK's own retry without one."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.characters.idempotency import REQUEST_SECONDS
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS
from tarmac.runway.errors import CreateAmbiguous, CreateRefused
from tests.fakes import World
from tests.unit.characters.character_bodies import BODIES, NOVA
from tests.unit.characters.conftest import Call

KEYED = {"idempotency-key": "nova-1"}
RETRY = {"x-stainless-retry-count": "1"}
LOST = CreateAmbiguous("Runway's response was lost (ReadTimeout)")


def created(world: World) -> int:
    return len(world.characters.bodies)


@pytest.mark.parametrize("collection", BODIES)
@pytest.mark.parametrize("second", [KEYED, RETRY], ids=["key", "retry"])
def test_a_retry_gets_the_first_response(second: dict[str, str], collection: str, world: World, call: Call) -> None:
    first = call(f"POST /v1/{collection}", BODIES[collection], headers=KEYED if second is KEYED else {})
    again = call(f"POST /v1/{collection}", BODIES[collection], headers=second)
    assert (again[0], again[1]) == (200, first[1])
    assert created(world) == 1


@pytest.mark.parametrize("collection", BODIES)
def test_a_third_attempt_gets_the_first_response(collection: str, world: World, call: Call) -> None:
    first = call(f"POST /v1/{collection}", BODIES[collection])
    for number in ("1", "2"):
        again = call(f"POST /v1/{collection}", BODIES[collection], headers={"x-stainless-retry-count": number})
        assert (again[0], again[1]) == (200, first[1])
    assert created(world) == 1


def test_separate_creates_create_separate_items(world: World, call: Call) -> None:
    assert call("POST /v1/avatars", NOVA)[1]["id"] != call("POST /v1/avatars", NOVA)[1]["id"]
    assert call("POST /v1/avatars", NOVA, headers=KEYED)[0] == 200
    assert call("POST /v1/avatars", NOVA, headers={"idempotency-key": "nova-2"})[0] == 200
    assert call("POST /v1/avatars", NOVA, headers=KEYED, client="other")[0] == 200
    assert call("POST /v1/avatars", NOVA, headers=RETRY, client="third")[0] == 200
    assert created(world) == 6


def test_a_retry_without_a_key_matches_the_latest_create_with_the_same_body(world: World, call: Call) -> None:
    call("POST /v1/avatars", NOVA)
    second = call("POST /v1/avatars", NOVA)[1]
    assert call("POST /v1/avatars", NOVA, headers=RETRY)[1]["id"] == second["id"]
    assert call("POST /v1/avatars", NOVA | {"name": "Vera"}, headers=RETRY)[1]["name"] == "Vera"
    assert created(world) == 3


def test_a_key_with_another_body_is_rejected(world: World, call: Call) -> None:
    call("POST /v1/avatars", NOVA, headers=KEYED)
    status, _, headers = call("POST /v1/avatars", NOVA | {"name": "Vera"}, headers=KEYED)
    assert (status, headers["x-should-retry"], created(world)) == (422, "false", 1)


@pytest.mark.parametrize(
    ("first", "second", "lifetime"), [(KEYED, KEYED, KEY_LIFETIME_SECONDS), ({}, RETRY, RETRY_WINDOW_SECONDS)]
)
def test_a_retry_after_the_record_has_expired_creates_another_item(
    first: dict[str, str], second: dict[str, str], lifetime: float, world: World, call: Call
) -> None:
    call("POST /v1/avatars", NOVA, headers=first)
    world.clock.advance(lifetime - 1)
    call("POST /v1/avatars", NOVA, headers=second)
    assert created(world) == 1
    world.clock.advance(2)
    call("POST /v1/avatars", NOVA, headers=second)
    assert created(world) == 2


@pytest.mark.parametrize(("first", "second"), [(KEYED, KEYED), ({}, RETRY)], ids=["key", "retry"])
class TestUnknownResult:
    def test_a_create_with_a_lost_response_is_not_retried(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        world.characters.lose = [LOST]
        assert call("POST /v1/avatars", NOVA, headers=first)[0] == 502
        world.clock.advance(REQUEST_SECONDS)
        status, answer, headers = call("POST /v1/avatars", NOVA, headers=second)
        assert (status, headers["x-should-retry"], created(world)) == (502, "false", 1)
        assert "check whether it succeeded" in answer["error"]

    def test_a_create_in_progress_asks_for_a_later_retry(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        create, answers = world.characters.create, []

        def slowly(collection: str, body: Any) -> dict[str, Any]:
            world.characters.create = create
            answers.append(call("POST /v1/avatars", NOVA, headers=second))
            return create(collection, body)

        world.characters.create = slowly
        done = call("POST /v1/avatars", NOVA, headers=first)
        [(status, _, headers)] = answers
        assert (status, headers["x-should-retry"], created(world)) == (409, "true", 1)
        assert call("POST /v1/avatars", NOVA, headers=second)[1] == done[1]

    def test_a_rejected_create_can_be_retried(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        world.characters.refuse = [CreateRefused("Runway answered HTTP 503", status=503)]
        assert call("POST /v1/avatars", NOVA, headers=first)[0] == 503
        assert call("POST /v1/avatars", NOVA, headers=second)[0] == 200
        assert created(world) == 1

    def test_a_retry_after_a_delete_is_not_found(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        made_id = call("POST /v1/avatars", NOVA, headers=first)[1]["id"]
        call(f"DELETE /v1/avatars/{made_id}")
        assert call("POST /v1/avatars", NOVA, headers=second)[0] == 404
        assert created(world) == 1


def test_an_invalid_body_writes_no_record(world: World, call: Call) -> None:
    assert call("POST /v1/avatars", NOVA | {"name": ""}, headers=KEYED)[0] == 400
    assert call("POST /v1/avatars", NOVA, headers=KEYED)[0] == 200
