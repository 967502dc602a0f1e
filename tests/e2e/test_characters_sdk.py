"""Avatars, documents, voices and conversations through Runway's own SDK, each client among its own."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from runwayml import (
    BadRequestError,
    ConflictError,
    DefaultHttpxClient,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RunwayML,
)

from tarmac.characters.kinds import Kind
from tarmac.characters.owner_store import OwnerStore, owned_item
from tarmac.http.clients import DEFAULT_SCOPES
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, picture
from tests.e2e.requests import marker
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually

CLARA: Any = {"type": "runway-live-preset", "preset_id": "clara"}
FACE = data_uri(picture(), "image/jpeg")
WARM: Any = {"type": "text", "prompt": "A warm and friendly voice", "model": "eleven_ttv_v3"}


@pytest.fixture
def sdk_of(deployment: Deployment) -> Iterator[Callable[..., RunwayML]]:
    """The SDK as a new client with the default scopes."""
    with ExitStack() as opened:

        def sdk(*more_scopes: str) -> RunwayML:
            api = opened.enter_context(Api.of_new_client(deployment, scopes=(*DEFAULT_SCOPES, *more_scopes)))
            http = DefaultHttpxClient(trust_env=False)
            return opened.enter_context(
                RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http, max_retries=0)
            )

        yield sdk


@pytest.fixture
def acme(sdk_of: Callable[..., RunwayML]) -> RunwayML:
    return sdk_of()


@pytest.fixture
def other(sdk_of: Callable[..., RunwayML]) -> RunwayML:
    return sdk_of()


def nova(runway: RunwayML, scenario: str = "ready=1", **changes: Any) -> Any:
    about: dict[str, Any] = {"name": "Nova", "personality": f"Kind {marker()} [[sim: {scenario}]]", "voice": CLARA}
    return runway.avatars.create(**about | {"reference_image": FACE} | changes)


def in_portal(simulator: Simulator, kind: str, **body: Any) -> str:
    """Return the id of an item that was made in Runway's own portal."""
    item_id = str(uuid.uuid4())
    simulator.http.put(f"/_simulator/records/{kind}/{item_id}", json=body).raise_for_status()
    return item_id


def test_the_life_of_an_avatar(acme: RunwayML, other: RunwayML) -> None:
    made = nova(acme, start_script="Hello")
    assert (made.status, made.start_script, made.processed_image_uri) == ("PROCESSING", "Hello", None)
    ready = eventually(
        lambda: acme.avatars.retrieve(made.id), lambda avatar: avatar.status == "READY", "the avatar to be ready"
    )
    assert ready.voice.to_dict()["presetId"] == "clara"

    changed = acme.avatars.update(made.id, name="Vera", start_script=None)
    assert (changed.name, changed.start_script) == ("Vera", None)

    for call in (
        lambda: other.avatars.retrieve(made.id),
        lambda: other.avatars.update(made.id, name="Mine"),
        lambda: other.avatars.delete(made.id),
    ):
        with pytest.raises(NotFoundError, match="Avatar not found"):
            call()
    assert made.id not in {avatar.id for avatar in other.avatars.list(limit=100)}

    acme.avatars.delete(made.id)
    with pytest.raises(NotFoundError, match="Avatar not found"):
        acme.avatars.retrieve(made.id)


def test_an_image_is_not_changed_while_the_last_one_is_processed(acme: RunwayML) -> None:
    made = nova(acme, "ready=2000")
    with pytest.raises(ConflictError, match="processing"):
        acme.avatars.update(made.id, reference_image=FACE)
    failed = nova(acme, "ready=0, fail=No face was found")
    seen = acme.avatars.retrieve(failed.id)
    assert (seen.status, seen.to_dict()["failureReason"]) == ("FAILED", "No face was found")


def test_a_local_image_goes_through_an_upload(acme: RunwayML, other: RunwayML) -> None:
    upload = acme.uploads.create_ephemeral(file=("face.png", io.BytesIO(picture("PNG")), "image/png"))
    assert upload.uri.startswith("runway://tarmac/")
    assert nova(acme, reference_image=upload.uri).reference_image_uri
    with pytest.raises(BadRequestError, match="referenceImage"):
        nova(other, reference_image=upload.uri)


def test_documents(acme: RunwayML, other: RunwayML) -> None:
    ids = [acme.documents.create(name=name, content="# Hours").id for name in ("b", "a")]
    assert acme.documents.retrieve(ids[0]).content == "# Hours"
    acme.documents.update(ids[0], content="# New hours")
    avatar = nova(acme, document_ids=ids)
    assert [user.id for user in acme.documents.retrieve(ids[0]).used_by] == [avatar.id]

    def own(sort: Any, order: Any, limit: int = 1) -> list[str]:
        return [each.id for each in acme.documents.list(limit=limit, sort=sort, order=order) if each.id in ids]

    assert own("createdAt", "asc") == ids
    assert own("createdAt", "desc") == ids[::-1]
    assert own("updatedAt", "desc") == ids
    with pytest.raises(BadRequestError, match="Document not found"):
        nova(other, document_ids=ids[:1])
    with pytest.raises(NotFoundError):
        other.documents.update(ids[0], name="Mine")
    long = acme.documents.create(name="long", content="x" * 200_000)
    with pytest.raises(BadRequestError, match="50,000 tokens"):
        acme.avatars.update(avatar.id, document_ids=[*ids, long.id])
    assert acme.avatars.update(avatar.id, document_ids=[]).document_ids == []
    for document_id in ids:
        acme.documents.delete(document_id)
    assert not set(ids) & {each.id for each in acme.documents.list(limit=100, sort="createdAt", order="asc")}


def test_voices(acme: RunwayML, other: RunwayML) -> None:
    assert acme.voices.preview(model="eleven_ttv_v3", prompt=WARM["prompt"]).duration_secs > 0
    sound: Any = {"type": "audio", "audio": "https://media.example.com/warm.mp3"}
    ids = [acme.voices.create(name=f"Warm {n}", from_=given).id for n, given in enumerate((WARM, sound))]
    eventually(lambda: acme.voices.retrieve(ids[0]), lambda voice: voice.status == "READY", "the voice to be ready")
    assert acme.voices.update(ids[0], name="Cold", description=None).name == "Cold"
    assert [voice.id for voice in acme.voices.list(limit=1) if voice.id in ids] == ids[::-1]
    custom: Any = {"type": "custom", "id": ids[0]}
    assert nova(acme, voice=custom).voice.to_dict()["name"] == "Cold"
    with pytest.raises(BadRequestError, match="Voice not found"):
        nova(other, voice=custom)
    acme.voices.delete(ids[0])
    with pytest.raises(NotFoundError, match="Voice not found"):
        acme.voices.retrieve(ids[0])


def test_items_made_in_the_portal_are_shared(
    acme: RunwayML, other: RunwayML, sdk_of: Callable[..., RunwayML], simulator: Simulator
) -> None:
    lobby = in_portal(
        simulator,
        "avatars",
        name="Lobby",
        personality="kind",
        referenceImage="https://media.example.com/a.png",
        voice={"type": "runway-live-preset", "presetId": "clara"},
    )
    faq = in_portal(simulator, "documents", name="FAQ", content="# Hours")
    mine = nova(acme, document_ids=[faq])
    assert [user.id for user in other.documents.retrieve(faq).used_by] == []
    for client in (acme, other):
        assert client.avatars.retrieve(lobby).name == "Lobby"
        with pytest.raises(PermissionDeniedError, match="admin"):
            client.avatars.update(lobby, name="Mine")
        with pytest.raises(PermissionDeniedError, match="admin"):
            client.avatars.delete(lobby)
    listed = [avatar.id for avatar in acme.avatars.list(limit=3)]
    assert listed[0] == mine.id
    assert lobby in listed
    admin = sdk_of("admin")
    assert admin.avatars.update(lobby, name="Hall").name == "Hall"
    with pytest.raises(NotFoundError):
        admin.avatars.update(mine.id, name="Hall")
    admin.avatars.delete(lobby)
    with pytest.raises(NotFoundError):
        acme.avatars.retrieve(lobby)


def test_videos_are_made_of_avatars_that_the_client_may_use(acme: RunwayML, other: RunwayML) -> None:
    avatar: Any = {"type": "custom", "avatar_id": nova(acme, "ready=0").id}
    speech: Any = {"type": "text", "text": "Hello [[sim: seconds=3]]"}
    assert acme.avatar_videos.create(model="gwm1_avatars", avatar=avatar, speech=speech).id
    with pytest.raises(BadRequestError, match="Avatar not found"):
        other.avatar_videos.create(model="gwm1_avatars", avatar=avatar, speech=speech)


def test_conversations(acme: RunwayML, other: RunwayML, api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """The client that started the session owns the conversation; here the client `api`."""
    preset = {"type": "runway-preset", "presetId": "influencer"}
    session = {"model": "gwm1_avatars", "avatar": preset, "startScript": "Hi [[sim: ready=0, runs=5]]"}
    session_id = simulator.http.post("/v1/realtime_sessions", json=session).raise_for_status().json()["id"]
    OwnerStore(deployment.table).add(
        owned_item(Kind.CONVERSATION, {"id": session_id}, api.client, datetime.now(UTC).timestamp())
    )
    key = simulator.http.get(f"/v1/realtime_sessions/{session_id}").json()["sessionKey"]
    simulator.http.post(
        f"/v1/realtime_sessions/{session_id}/consume", headers={"Authorization": f"Bearer {key}"}
    ).raise_for_status()

    http = DefaultHttpxClient(trust_env=False)
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as owner:
        ended = eventually(
            lambda: owner.avatar_conversations.retrieve(session_id),
            lambda found: found.status == "ended",
            "the conversation to end",
        )
        assert [said.role for said in ended.transcript] == ["assistant", "user", "assistant"]
        since = datetime.now(UTC) - timedelta(hours=1)
        [listed] = [
            each for each in owner.avatar_conversations.list(limit=100, start_date=since) if each.id == session_id
        ]
        assert (listed.status, listed.has_tools) == ("ended", False)
        assert session_id not in {each.id for each in other.avatar_conversations.list(limit=100)}
        with pytest.raises(NotFoundError, match="Conversation not found"):
            other.avatar_conversations.delete(session_id)
        usage = owner.avatars.get_usage(start_date=since, end_date=datetime.now(UTC))
        assert usage.total_sessions >= 1
        owner.avatar_conversations.delete(session_id)
        with pytest.raises(NotFoundError):
            owner.avatar_conversations.retrieve(session_id)


def test_the_sdks_own_retry_makes_nothing_twice(api: Api, simulator: Simulator) -> None:
    """One response is lost between Tarmac and the SDK, one between Runway and Tarmac."""
    lost: list[str] = []

    def lose_the_first_answer(response: httpx.Response) -> None:
        if response.request.method == "POST" and not lost:
            response.read()
            lost.append(response.json()["id"])
            raise httpx.ReadError("the connection broke", request=response.request)

    http = DefaultHttpxClient(trust_env=False, event_hooks={"response": [lose_the_first_answer]})
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as runway:
        assert nova(runway).id == lost[0]
        assert len([each for each in runway.avatars.list(limit=100) if each.id in lost]) == 1

        name = f"Lost {uuid.uuid4().hex[:20]}"
        with pytest.raises(InternalServerError) as caught:
            nova(runway, "create=500", name=name)
    assert caught.value.status_code == 502
    posts = simulator.http.get("/v1/avatars", params={"limit": "100"}).json()["data"]
    assert len([each for each in posts if each["name"] == name]) == 1


def test_bad_input_names_the_field(acme: RunwayML) -> None:
    with pytest.raises(BadRequestError) as caught:
        nova(acme, name="x" * 51, personality="")
    body: Any = caught.value.body
    assert [issue["path"] for issue in body["issues"]] == [["name"], ["personality"]]


def test_an_idempotency_key_holds_for_avatars(api: Api) -> None:
    body = {
        "name": "Nova",
        "personality": f"Kind {marker()}",
        "referenceImage": "https://media.example.com/a.png",
        "voice": {"type": "runway-live-preset", "presetId": "clara"},
    }
    answers = [api.post("avatars", body, idempotency_key="nova") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert api.post("avatars", body | {"name": "Vera"}, idempotency_key="nova").status_code == 422
