"""A create that is sent again makes nothing new: with a key, and as an SDK's own retry without one."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.characters.idempotency import LONGEST_SECONDS
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS
from tarmac.runway.errors import CreateAmbiguous, CreateRefused
from tests.fakes import World
from tests.unit.characters.character_bodies import BODIES, NOVA
from tests.unit.characters.conftest import Call

KEYED = {"idempotency-key": "nova-1"}
RETRY = {"x-stainless-retry-count": "1"}
LOST = CreateAmbiguous("Runway's answer was lost (ReadTimeout)")


def made(world: World) -> int:
    return len(world.characters.bodies)


@pytest.mark.parametrize("collection", BODIES)
@pytest.mark.parametrize("second", [KEYED, RETRY], ids=["key", "retry"])
def test_a_second_send_gets_the_first_answer(second: dict[str, str], collection: str, world: World, call: Call) -> None:
    first = call(f"POST /v1/{collection}", BODIES[collection], headers=KEYED if second is KEYED else {})
    again = call(f"POST /v1/{collection}", BODIES[collection], headers=second)
    assert (again[0], again[1]) == (200, first[1])
    assert made(world) == 1


@pytest.mark.parametrize("collection", BODIES)
def test_so_does_a_third_after_two_lost_answers(collection: str, world: World, call: Call) -> None:
    first = call(f"POST /v1/{collection}", BODIES[collection])
    for number in ("1", "2"):
        again = call(f"POST /v1/{collection}", BODIES[collection], headers={"x-stainless-retry-count": number})
        assert (again[0], again[1]) == (200, first[1])
    assert made(world) == 1


def test_two_creates_are_two(world: World, call: Call) -> None:
    assert call("POST /v1/avatars", NOVA)[1]["id"] != call("POST /v1/avatars", NOVA)[1]["id"]
    assert call("POST /v1/avatars", NOVA, headers=KEYED)[0] == 200
    assert call("POST /v1/avatars", NOVA, headers={"idempotency-key": "nova-2"})[0] == 200
    assert call("POST /v1/avatars", NOVA, headers=KEYED, client="other")[0] == 200
    assert call("POST /v1/avatars", NOVA, headers=RETRY, client="third")[0] == 200
    assert made(world) == 6


def test_a_retry_is_the_last_creates(world: World, call: Call) -> None:
    call("POST /v1/avatars", NOVA)
    second = call("POST /v1/avatars", NOVA)[1]
    assert call("POST /v1/avatars", NOVA, headers=RETRY)[1]["id"] == second["id"]
    assert call("POST /v1/avatars", NOVA | {"name": "Vera"}, headers=RETRY)[1]["name"] == "Vera"
    assert made(world) == 3


def test_a_key_is_for_one_body(world: World, call: Call) -> None:
    call("POST /v1/avatars", NOVA, headers=KEYED)
    status, _, headers = call("POST /v1/avatars", NOVA | {"name": "Vera"}, headers=KEYED)
    assert (status, headers["x-should-retry"], made(world)) == (422, "false", 1)


@pytest.mark.parametrize(
    ("first", "second", "kept"), [(KEYED, KEYED, KEY_LIFETIME_SECONDS), ({}, RETRY, RETRY_WINDOW_SECONDS)]
)
def test_it_is_known_for_a_while(
    first: dict[str, str], second: dict[str, str], kept: float, world: World, call: Call
) -> None:
    call("POST /v1/avatars", NOVA, headers=first)
    world.clock.advance(kept - 1)
    call("POST /v1/avatars", NOVA, headers=second)
    assert made(world) == 1
    world.clock.advance(2)
    call("POST /v1/avatars", NOVA, headers=second)
    assert made(world) == 2


@pytest.mark.parametrize(("first", "second"), [(KEYED, KEYED), ({}, RETRY)], ids=["key", "retry"])
class TestWhileNobodyKnows:
    def test_a_lost_create_is_not_sent_again(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        world.characters.lose = [LOST]
        assert call("POST /v1/avatars", NOVA, headers=first)[0] == 502
        world.clock.advance(LONGEST_SECONDS)
        status, answer, headers = call("POST /v1/avatars", NOVA, headers=second)
        assert (status, headers["x-should-retry"], made(world)) == (502, "false", 1)
        assert "check whether it succeeded" in answer["error"]

    def test_one_under_way_is_waited_for(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        create, answers = world.characters.create, []

        def slowly(collection: str, body: Any) -> dict[str, Any]:
            world.characters.create = create  # type: ignore[method-assign]
            answers.append(call("POST /v1/avatars", NOVA, headers=second))
            return create(collection, body)

        world.characters.create = slowly  # type: ignore[method-assign]
        done = call("POST /v1/avatars", NOVA, headers=first)
        [(status, _, headers)] = answers
        assert (status, headers["x-should-retry"], made(world)) == (409, "true", 1)
        assert call("POST /v1/avatars", NOVA, headers=second)[1] == done[1]

    def test_one_that_was_refused_may_be_sent_again(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        world.characters.refuse = [CreateRefused("Runway answered HTTP 503", status=503)]
        assert call("POST /v1/avatars", NOVA, headers=first)[0] == 503
        assert call("POST /v1/avatars", NOVA, headers=second)[0] == 200
        assert made(world) == 1

    def test_what_was_deleted_since_is_gone(
        self, first: dict[str, str], second: dict[str, str], world: World, call: Call
    ) -> None:
        made_id = call("POST /v1/avatars", NOVA, headers=first)[1]["id"]
        call(f"DELETE /v1/avatars/{made_id}")
        assert call("POST /v1/avatars", NOVA, headers=second)[0] == 404
        assert made(world) == 1


def test_a_bad_body_is_no_send(world: World, call: Call) -> None:
    assert call("POST /v1/avatars", NOVA | {"name": ""}, headers=KEYED)[0] == 400
    assert call("POST /v1/avatars", NOVA, headers=KEYED)[0] == 200
