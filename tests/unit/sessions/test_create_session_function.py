"""functions/create_session over HTTP: Runway's paths, connect, client tokens, and permissions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.ownership import own
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import SessionState
from tests.fakes import World
from tests.fakes.samples import NOW, event
from tests.unit.sessions.conftest import Ask
from tests.unit.sessions.samples import minutes

ORIGIN = "http://localhost:5173"
UUID = "9f1b6b0a-2d84-4f5c-8a61-3c6f0e7d2b95"
CONNECT = "POST /api/avatar/connect"
CREATE = "POST /v1/realtime_sessions"
GET = "GET /v1/realtime_sessions/{id}"
DELETE = "DELETE /v1/realtime_sessions/{id}"
CONSUME = "POST /v1/realtime_sessions/{id}/consume"
BACKEND = "POST /v1/realtime_sessions/{id}/connect_backend"
TOKEN = "POST /v1/client_tokens"
BODY = {"model": "gwm1_avatars", "avatar": {"type": "custom", "avatarId": UUID}}


@pytest.fixture
def key(world: World) -> str:
    return world.clients.create_key("acme", ["sessions"], NOW)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


class TestDropIn:
    """The server routes of Runway's samples: each request gets the fields that the sample expects."""

    FIELDS = frozenset({"sessionId", "serverUrl", "token", "roomName"})

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"avatarId": UUID}, id="Next.js"),
            pytest.param({"avatarId": UUID, "unused": None}, id="Express"),
            pytest.param({"avatar_id": UUID}, id="FastAPI"),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/avatar/session", "/api/avatar/connect"])
    def test_a_request_of_a_sample_gets_credentials(
        self, path: str, body: dict[str, Any], ask: Ask, key: str, world: World
    ) -> None:
        status, answer = ask(f"POST {path}", body, headers=bearer(key))
        assert (status, answer.keys()) == (200, self.FIELDS)
        assert answer == {
            "sessionId": "live-1",
            "serverUrl": "wss://room.example",
            "token": "secret-token-of-live-1",
            "roomName": "secret-room-of-live-1",
        }
        sent = world.runway_sessions.sessions["live-1"].body
        assert sent == {"model": "gwm1_avatars", "avatar": {"type": "custom", "avatarId": UUID}, "maxDuration": 300}

    def test_a_failed_session_returns_its_failure(self, ask: Ask, key: str, world: World) -> None:
        self.becomes(world, "FAILED", failure="The avatar was moderated", failureCode="SAFETY.INPUT.IMAGE")
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 502
        assert answer == {"error": "The avatar was moderated (SAFETY.INPUT.IMAGE)"}

    @pytest.mark.parametrize("ending", ["COMPLETED", "CANCELLED"])
    def test_a_session_that_ended_stops_the_wait(self, ending: str, ask: Ask, key: str, world: World) -> None:
        self.becomes(world, ending)
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 502
        assert ending in answer["error"]
        assert world.clock.now() < NOW + 5

    def test_a_session_that_is_not_ready_in_time_is_cancelled(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.ready_seconds = 1000
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 504
        assert "25 s" in answer["error"]
        assert world.clock.now() - NOW <= 25
        assert world.runway_sessions.cancelled == ["live-1"]
        assert world.sessions.get("live-1").cancel_reason == "timeout"

    def test_it_polls_once_a_second(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.ready_seconds = 10
        assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))[0] == 200
        assert world.clock.now() == NOW + 10
        assert world.runway_sessions.polls == 11

    def becomes(self, world: World, status: str, **more: Any) -> None:
        create = world.runway_sessions.create

        def creating(body: Any) -> str:
            session_id = create(body)
            world.runway_sessions.now(session_id, status, **more)
            return session_id

        world.runway_sessions.create = creating


class TestConnectFaults:
    @pytest.mark.parametrize(
        ("problem", "status", "says"),
        [
            (CreateRefused("Too many requests", status=429, retry_after_seconds=7), 429, "Too many requests"),
            (CreateRejected("Avatar not found", status=404), 404, "Avatar not found"),
            (CreateRejected("Validation failed", status=400), 400, "Validation failed"),
            (CreateRefused("Runway rejects the key", status=401), 502, "operator"),
        ],
    )
    def test_a_rejected_create_gets_runways_status(
        self, problem: Exception, status: int, says: str, ask: Ask, key: str, world: World
    ) -> None:
        world.runway_sessions.refuse_creates.append(problem)
        answered, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert answered == status
        assert says in answer["error"]
        assert minutes(world) == 0

    def test_failed_polls_are_retried(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.unreadable += [UpstreamUnavailable("HTTP 502")] * 6
        assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))[0] == 200

    def test_a_consume_that_runway_rejects_for_the_moment_is_retried(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.refuse_consumes += [CreateRefused("busy", status=503)] * 2
        assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))[0] == 200

    def test_a_consume_with_a_lost_response_burns_the_session(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.lose_consumes.append(CreateAmbiguous("lost"))
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 410
        assert "create a new session" in answer["error"]
        assert world.runway_sessions.status("live-1") == "CANCELLED"

    def test_an_unexpected_error_cancels_the_session(self, ask: Ask, key: str, world: World) -> None:
        world.runway_sessions.unreadable.append(RuntimeError("secret"))
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 500
        assert "secret" not in answer["error"]
        assert world.runway_sessions.cancelled == ["live-1"]


class TestPermissions:
    @pytest.mark.parametrize("headers", [{}, bearer(""), bearer("key_wrong"), {"authorization": "Basic x"}])
    def test_a_connect_without_a_valid_key_or_token_is_rejected(
        self, headers: dict[str, str], ask: Ask, world: World
    ) -> None:
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=headers)
        assert status == 401
        assert answer["error"]
        assert not world.runway_sessions.sessions

    def test_a_key_without_the_scope_is_rejected(self, ask: Ask, world: World) -> None:
        tasks_only = world.clients.create_key("acme", ["tasks"], NOW)
        assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(tasks_only))[0] == 403
        for route in (CREATE, TOKEN, GET, DELETE, BACKEND):
            assert ask(route, BODY, session_id="live-1", scopes="tasks uploads account")[0] == 403

    @pytest.mark.parametrize("scope", ["sessions", "avatars"])
    def test_either_scope_is_enough(self, scope: str, ask: Ask, world: World) -> None:
        own_key = world.clients.create_key("acme", [scope], NOW)
        assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(own_key))[0] == 200
        assert ask(CREATE, BODY, scopes=scope)[0] == 200

    def test_another_clients_avatar_gets_the_response_of_a_missing_one(self, ask: Ask, key: str, world: World) -> None:
        def responses() -> list[tuple[int, Any]]:
            return [
                ask(CONNECT, {"avatarId": UUID}, headers=bearer(key)),
                ask(CREATE, BODY),
                ask(TOKEN, {"avatarId": UUID, "origin": ORIGIN}),
            ]

        world.runway_sessions.refuse_creates += [CreateRejected("No such avatar", status=404)] * 2
        missing = responses()
        own(Kind.AVATAR, UUID, "other", world)
        assert responses() == missing
        assert [status for status, _ in missing] == [404, 404, 400]
        assert all("Avatar not found" in answer["error"] for _, answer in missing)
        assert not world.runway_sessions.sessions

    def test_a_token_is_minted_while_runway_is_unavailable(self, ask: Ask, world: World) -> None:
        world.characters.unreadable.append(UpstreamUnavailable("HTTP 503", status=503))
        assert ask(TOKEN, {"avatarId": UUID, "origin": ORIGIN})[0] == 200

    def test_an_invalid_body_names_the_field(self, ask: Ask, key: str) -> None:
        for body, field in (({}, "avatarId"), ({"avatarId": UUID, "maxDuration": 301}, "maxDuration")):
            status, answer = ask(CONNECT, body, headers=bearer(key))
            assert (status, answer["issues"][0]["path"]) == (400, [field])
        for text in ("", "[]", "nonsense", '{"avatarId": NaN}'):
            assert ask(CONNECT, text, headers=bearer(key))[0] == 400

    def test_used_up_minutes_name_the_limit(self, ask: Ask, key: str, world: World) -> None:
        for _ in range(12):
            assert ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))[0] == 200
        status, answer = ask(CONNECT, {"avatarId": UUID}, headers=bearer(key))
        assert status == 429
        assert "60 minutes of live sessions a day" in answer["error"]
        assert len(world.runway_sessions.sessions) == 12


class TestClientTokens:
    def mint(self, ask: Ask, **body: Any) -> dict[str, Any]:
        status, answer = ask(TOKEN, {"origin": ORIGIN} | body)
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    def use(self, ask: Ask, token: str, body: Any = None, origin: str | None = ORIGIN) -> tuple[int, Any]:
        headers = {} if origin is None else {"origin": origin}
        return ask(
            CONNECT,
            {"avatarId": "cat-character"} if body is None else body,
            headers=headers,
            query={"clientToken": token},
        )

    def test_a_page_connects_with_the_token_of_its_server(self, ask: Ask, world: World) -> None:
        minted = self.mint(ask)
        assert minted.keys() == {"clientToken", "expiresAt", "connectUrl"}
        assert minted["expiresAt"] == "2023-11-14T22:18:20.000Z"
        host = event("http-create-session")["requestContext"]["domainName"]
        assert minted["connectUrl"] == f"https://{host}/api/avatar/connect?clientToken={minted['clientToken']}"
        status, answer = self.use(ask, minted["clientToken"])
        assert (status, answer["sessionId"]) == (200, "live-1")
        session = world.sessions.get("live-1")
        assert (session.client, session.source) == ("acme", {"kind": "connect", "origin": ORIGIN})

    def test_it_is_valid_for_one_session(self, ask: Ask, world: World) -> None:
        token = self.mint(ask)["clientToken"]
        assert self.use(ask, token)[0] == 200
        status, answer = self.use(ask, token)
        assert status == 403
        assert "request a new one from your server" in answer["error"]
        assert len(world.runway_sessions.sessions) == 1

    def test_it_is_valid_for_max_sessions(self, ask: Ask) -> None:
        token = self.mint(ask, maxSessions=3)["clientToken"]
        assert [self.use(ask, token)[0] for _ in range(4)] == [200, 200, 200, 403]

    def test_a_rejected_session_is_not_counted(self, ask: Ask, world: World) -> None:
        token = self.mint(ask)["clientToken"]
        world.runway_sessions.refuse_creates.append(CreateRefused("busy", status=503))
        assert [self.use(ask, token)[0] for _ in range(3)] == [503, 200, 403]

    def test_another_avatar_is_rejected(self, ask: Ask) -> None:
        token = self.mint(ask, avatarId="cat-character", maxSessions=2)["clientToken"]
        assert self.use(ask, token, {"avatarId": "influencer"})[0] == 403
        assert self.use(ask, token, {"avatarId": "cat-character", "customAvatarId": UUID})[0] == 403
        assert self.use(ask, token, {})[0] == 200
        assert self.use(ask, token)[0] == 200

    @pytest.mark.parametrize("origin", [None, "https://evil.example", "https://app.example.com"])
    def test_another_origin_is_rejected(self, origin: str | None, ask: Ask) -> None:
        assert self.use(ask, self.mint(ask)["clientToken"], origin=origin)[0] == 401

    def test_it_expires(self, ask: Ask, world: World) -> None:
        token = self.mint(ask, expiresIn=10)["clientToken"]
        world.clock.advance(10)
        status, answer = self.use(ask, token)
        assert status == 401
        assert "expired" in answer["error"]

    @pytest.mark.parametrize("token", ["", "ct_", "ct_x.y", "x" * 10_000, "é"])
    def test_an_invalid_token_is_rejected_with_a_reason(self, token: str, ask: Ask) -> None:
        status, answer = self.use(ask, token)
        assert status == 401
        assert "client token" in answer["error"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "origin"),
            ({"origin": "https://evil.example"}, "origin"),
            ({"origin": ORIGIN, "expiresIn": 301}, "expiresIn"),
            ({"origin": ORIGIN, "expiresIn": 0}, "expiresIn"),
            ({"origin": ORIGIN, "maxSessions": 0}, "maxSessions"),
            ({"origin": ORIGIN, "maxSessions": 1.5}, "maxSessions"),
            ({"origin": ORIGIN, "avatarId": ""}, "avatarId"),
        ],
    )
    def test_an_invalid_field_is_named(self, body: dict[str, Any], field: str, ask: Ask) -> None:
        status, answer = ask(TOKEN, body)
        assert (status, answer["issues"][0]["path"]) == (400, [field])

    def test_a_single_origin_is_the_default(self, ask: Ask, app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(app, "cors_origins", [ORIGIN])
        assert self.use(ask, ask(TOKEN)[1]["clientToken"])[0] == 200

    def test_the_connect_url_has_the_custom_domain(self, app: ModuleType) -> None:
        request = event("http-create-client-token")
        request["requestContext"]["domainName"] = "api.example.com"
        request["rawPath"] = "/runway/v1/client_tokens"
        answer = app.handler(request, None)["body"]
        assert '"connectUrl":"https://api.example.com/runway/api/avatar/connect?clientToken=ct_' in answer


class TestRunwaysPaths:
    def test_create_read_consume_delete(self, ask: Ask, world: World) -> None:
        assert ask(CREATE, BODY) == (200, {"id": "live-1"})
        assert ask(GET, session_id="live-1")[1]["status"] == "NOT_READY"
        world.clock.advance(3)
        shown = ask(GET, session_id="live-1")[1]
        assert shown.keys() == {"id", "createdAt", "status", "sessionKey", "expiresAt"}
        consumed = ask(CONSUME, session_id="live-1", headers=bearer(shown["sessionKey"]))
        assert consumed == (
            200,
            {"url": "wss://room.example", "token": "secret-token-of-live-1", "roomName": "secret-room-of-live-1"},
        )
        assert ask(CONSUME, session_id="live-1", headers=bearer(shown["sessionKey"]))[0] == 409
        assert ask(GET, session_id="live-1")[1]["status"] == "RUNNING"
        assert ask(BACKEND, session_id="live-1")[1]["token"] == "secret-backend-of-live-1"
        assert ask(DELETE, session_id="live-1") == (204, None)
        assert ask(GET, session_id="live-1")[1]["status"] == "CANCELLED"

    @pytest.mark.parametrize(
        "headers", [{}, bearer(""), bearer("a b"), bearer("é"), bearer("x" * 5000), bearer("a\x00")]
    )
    def test_a_consume_with_an_invalid_key_takes_no_claim(
        self, headers: dict[str, str], ask: Ask, world: World
    ) -> None:
        ask(CREATE, BODY)
        world.clock.advance(3)
        assert ask(CONSUME, session_id="live-1", headers=headers)[0] == 401
        assert world.sessions.get("live-1").claim is None

    def test_a_wrong_key_does_not_burn_the_session(self, ask: Ask, world: World) -> None:
        ask(CREATE, BODY)
        world.clock.advance(3)
        assert ask(CONSUME, session_id="live-1", headers=bearer("wrong"))[0] == 401
        assert ask(CONSUME, session_id="live-1", headers=bearer("secret-key-of-live-1"))[0] == 200

    def test_a_consume_with_a_lost_response_returns_410(self, ask: Ask, world: World) -> None:
        ask(CREATE, BODY)
        world.clock.advance(3)
        world.runway_sessions.lose_consumes.append(CreateAmbiguous("lost"))
        assert ask(CONSUME, session_id="live-1", headers=bearer("secret-key-of-live-1"))[0] == 410

    def test_another_clients_session_is_not_found(self, ask: Ask, world: World) -> None:
        ask(CREATE, BODY)
        missing = ask(GET, session_id="live-2")
        assert missing == (404, {"error": "Session not found"})
        for route in (GET, DELETE, BACKEND):
            assert ask(route, session_id="live-1", client="other") == missing
        assert world.sessions.get("live-1").cancel_requested_at is None
        assert ask(CONSUME, session_id="live-9", headers=bearer("any")) == missing

    def test_a_create_with_a_lost_response_forbids_sdk_retries(self, app: ModuleType, world: World) -> None:
        world.runway_sessions.lose_creates.append(CreateAmbiguous("Runway's response was lost"))
        answer = app.handler(event("http-create-session"), None)
        assert answer["statusCode"] == 502
        assert answer["headers"]["x-should-retry"] == "false"

    def test_an_idempotency_key_creates_one_session(self, app: ModuleType, world: World) -> None:
        request = event("http-create-session")
        request["headers"]["idempotency-key"] = "k-1"
        responses = [app.handler(request, None)["body"] for _ in range(2)]
        assert responses == ['{"id":"live-1"}'] * 2
        other = request | {"body": request["body"].replace("120", "60")}
        assert app.handler(other, None)["statusCode"] == 422

    def test_a_failed_session_has_runways_fields(self, ask: Ask, world: World) -> None:
        ask(CREATE, BODY)
        world.sessions.move("live-1", SessionMoves.end, SessionState.FAILED, None, "Broken", "INTERNAL")
        shown = ask(GET, session_id="live-1")[1]
        assert shown.keys() == {"id", "createdAt", "status", "failure", "failureCode"}
