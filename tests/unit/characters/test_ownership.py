"""Another client's avatar, voice or document gets the response of a missing one."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.owner_store import AlreadyOwned
from tarmac.characters.ownership import may_use, own
from tarmac.requests.validation import InvalidRequest
from tarmac.tasks.accept import Order, accept
from tests.fakes import World

VIDEO = {
    "model": "gwm1_avatars",
    "avatar": {"type": "custom", "avatarId": "nova"},
    "speech": {"type": "text", "text": "Hello", "voice": {"type": "custom", "id": "warm"}},
}


def video(client: str) -> Order:
    return Order("avatar_videos", client, VIDEO, {"kind": "api"})


def test_an_owned_item_can_be_used_by_its_owner_only(world: World) -> None:
    own(Kind.AVATAR, "nova", "acme", world)
    own(Kind.AVATAR, "nova", "acme", world)
    assert may_use("acme", Kind.AVATAR, "nova", world)
    assert not may_use("other", Kind.AVATAR, "nova", world)
    with pytest.raises(AlreadyOwned):
        own(Kind.AVATAR, "nova", "other", world)


def test_an_item_without_an_owner_can_be_used_by_every_client(world: World) -> None:
    own(Kind.VOICE, "nova", "acme", world)
    assert may_use("other", Kind.AVATAR, "nova", world)


def test_a_task_with_another_clients_items_is_rejected(world: World) -> None:
    own(Kind.AVATAR, "nova", "acme", world)
    own(Kind.VOICE, "warm", "acme", world)
    assert accept(video("acme"), world, 3600).is_new
    with pytest.raises(InvalidRequest) as rejected:
        accept(video("other"), world, 3600)
    assert [(issue.path, issue.message) for issue in rejected.value.issues] == [
        (("avatar", "avatarId"), "Avatar not found"),
        (("speech", "voice", "id"), "Voice not found"),
    ]
    assert len(world.executions.started) == 1


@pytest.mark.parametrize("avatar", [{"type": "custom", "avatarId": "x" * 5000}, {"type": "custom", "avatarId": "a#b"}])
def test_invalid_ids_are_passed_to_runway(avatar: dict[str, Any], world: World) -> None:
    order = Order("avatar_videos", "acme", VIDEO | {"avatar": avatar}, {"kind": "api"})
    assert accept(order, world, 3600).is_new
