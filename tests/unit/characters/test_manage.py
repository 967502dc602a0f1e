"""Every call of manage_characters, from API Gateway's event to its response: validation, ownership, calls to Runway."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.ownership import UNSETTLED_SECONDS
from tarmac.media.create_upload import create_upload
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.fakes import MemoryObjects, World
from tests.fakes.samples import PNG, data_uri
from tests.unit.characters.character_bodies import BAD_BODIES, BODIES, NOVA, WARM
from tests.unit.characters.conftest import Call

COLLECTIONS = (*BODIES, "avatar_conversations")


def made(call: Call, collection: str, client: Any = "acme", **changes: Any) -> str:
    status, answer, _ = call(f"POST /v1/{collection}", BODIES[collection] | changes, client=client)
    assert status == 200, answer
    return str(answer["id"])


def paths_of(answer: Any) -> list[list[Any]]:
    return [issue["path"] for issue in answer["issues"]]


class TestOwnership:
    @pytest.mark.parametrize("collection", BODIES)
    def test_a_client_owns_what_it_creates(self, collection: str, call: Call) -> None:
        item_id = made(call, collection)
        status, item, _ = call(f"GET /v1/{collection}/{item_id}")
        assert (status, item["name"]) == (200, BODIES[collection]["name"])
        status, changed, _ = call(f"PATCH /v1/{collection}/{item_id}", {"name": "New"})
        assert (status, changed and changed["name"]) == ((204, None) if collection == "documents" else (200, "New"))
        assert call(f"GET /v1/{collection}/{item_id}")[1]["name"] == "New"
        assert call(f"DELETE /v1/{collection}/{item_id}")[0] == 204
        assert call(f"GET /v1/{collection}/{item_id}")[0] == 404

    @pytest.mark.parametrize("scopes", ["avatars", "avatars admin"])
    @pytest.mark.parametrize("collection", BODIES)
    def test_another_clients_item_gets_the_response_of_a_missing_one(
        self, collection: str, scopes: str, world: World, call: Call
    ) -> None:
        """Also for a key with the scope admin, which may change shared items only."""
        item_id = made(call, collection)
        before = dict(world.characters.items[collection])
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("PATCH", {"name": 7}), ("DELETE", None)):
            foreign, missing = (
                call(f"{method} /v1/{collection}/{one}", body, client="other", scopes=scopes)[:2]
                for one in (item_id, "missing")
            )
            assert foreign == missing
            assert foreign[0] == (400 if body == {"name": 7} else 404)
        assert world.characters.items[collection] == before

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_shared_items_can_be_read_by_every_client(self, collection: str, world: World, call: Call) -> None:
        world.characters.there(collection, "lobby", name="Lobby")
        for client in ("acme", "other"):
            assert call(f"GET /v1/{collection}/lobby", client=client)[1]["name"] == "Lobby"
            assert [item["id"] for item in call(f"GET /v1/{collection}", client=client)[1]["data"]] == ["lobby"]

    @pytest.mark.parametrize("collection", COLLECTIONS)
    def test_shared_items_can_be_changed_by_an_admin_only(self, collection: str, world: World, call: Call) -> None:
        world.characters.there(collection, "lobby", name="Lobby")
        methods = ["PATCH", "DELETE"] if collection in BODIES else ["DELETE"]
        for method in methods:
            status, answer, _ = call(f"{method} /v1/{collection}/lobby", {"name": "Mine"})
            assert (status, "admin" in answer["error"]) == (403, True)
        assert world.characters.items[collection]["lobby"]["name"] == "Lobby"
        for method in methods:
            answered = call(f"{method} /v1/{collection}/lobby", {"name": "Hall"}, scopes="admin")
            assert answered[0] in (200, 204)
        assert world.characters.items[collection] == {}
        assert not [row for row in world.table.rows.values() if row["sk"] == "owner"]

    def test_the_row_of_a_deleted_item_has_no_content_and_expires(self, world: World, call: Call) -> None:
        item_id = made(call, "documents")
        call(f"DELETE /v1/documents/{item_id}")
        [left] = [row for row in world.table.rows.values() if row["sk"] == "owner"]
        assert world.owners.of_client(Kind.DOCUMENT, "acme", 10) == []
        assert left["ttl"] > world.clock.now()
        assert "Opening hours" not in json.dumps(list(world.table.rows.values()))

    def test_a_delete_with_a_lost_response_can_be_retried(self, world: World, call: Call) -> None:
        item_id = made(call, "avatars")
        world.characters.lose = [UpstreamUnavailable("Runway could not be read (ReadTimeout)")]
        assert call(f"DELETE /v1/avatars/{item_id}")[0] == 503
        assert call(f"DELETE /v1/avatars/{item_id}")[0] == 204
        assert call(f"DELETE /v1/avatars/{item_id}")[0] == 404

    def test_a_new_item_without_an_owner_is_not_found(self, world: World, call: Call) -> None:
        """Its create by another client may be in progress, so an item is shared only after a minute."""
        world.characters.began = world.clock.now()
        world.characters.there("avatars", "lobby", name="Lobby")
        world.characters.there("documents", "faq", content="…")
        for what in ("GET", "PATCH", "DELETE"):
            assert call(f"{what} /v1/avatars/lobby", {"name": "Hall"}, scopes="avatars admin")[0] == 404
        assert call("POST /v1/avatars", NOVA | {"documentIds": ["faq"]})[0] == 400
        world.clock.advance(UNSETTLED_SECONDS + 2)
        assert call("PATCH /v1/avatars/lobby", {"name": "Hall"}, scopes="avatars admin")[0] == 200
        assert made(call, "avatars", documentIds=["faq"])

    def test_a_deleted_item_cannot_be_used(self, world: World, call: Call) -> None:
        """Also while Runway still returns it."""
        document = made(call, "documents")
        deleted = world.characters.items["documents"][document]
        call(f"DELETE /v1/documents/{document}")
        world.characters.items["documents"][document] = deleted
        for client in ("acme", "other"):
            assert call(f"GET /v1/documents/{document}", client=client)[0] == 404
            assert call(f"DELETE /v1/documents/{document}", client=client, scopes="avatars admin")[0] == 404
            assert call("POST /v1/avatars", NOVA | {"documentIds": [document]}, client=client)[0] == 400

    def test_a_shared_document_hides_the_avatars_of_other_clients(self, world: World, call: Call) -> None:
        world.characters.there("documents", "faq", name="FAQ", content="…")
        mine = made(call, "avatars", documentIds=["faq"])
        made(call, "avatars", client="other", documentIds=["faq"])
        assert [user["id"] for user in call("GET /v1/documents/faq")[1]["usedBy"]] == [mine]
        [listed] = call("GET /v1/documents")[1]["data"]
        assert [user["id"] for user in listed["usedBy"]] == [mine]

    @pytest.mark.parametrize("scopes", ["", "tasks uploads sessions account"])
    @pytest.mark.parametrize("what", ["GET /v1/avatars", "GET /v1/voices/v", "POST /v1/voices/preview"])
    def test_a_key_without_the_scope_is_rejected(self, what: str, scopes: str, call: Call) -> None:
        assert call(what, {}, scopes=scopes)[0] == 403

    @pytest.mark.parametrize("item_id", ["..%2Ftasks", "a b", "a#b", "x" * 101, "ä"])
    def test_an_invalid_id_is_not_found_without_a_call_to_runway(self, item_id: str, world: World, call: Call) -> None:
        world.characters.unreadable = [AssertionError("Runway was called")]
        for method in ("GET", "DELETE", "PATCH"):
            assert call(f"{method} /v1/avatars/{item_id}", {"name": "Hall"})[0] == 404


class TestBodies:
    @pytest.mark.parametrize(("collection", "changes", "path"), BAD_BODIES, ids=lambda case: str(case)[:60])
    def test_an_invalid_field_is_named(
        self, collection: str, changes: dict[str, Any], path: list[Any], world: World, call: Call
    ) -> None:
        status, answer, _ = call(f"POST /v1/{collection}", BODIES[collection] | changes)
        assert (status, paths_of(answer)) == (400, [path])
        assert ".".join(map(str, path)) in answer["error"]
        assert world.characters.bodies == []

    @pytest.mark.parametrize(
        ("collection", "changes"), [(of, changes) for of, changes, _ in BAD_BODIES if None not in changes.values()]
    )
    def test_an_invalid_change_is_rejected(
        self, collection: str, changes: dict[str, Any], world: World, call: Call
    ) -> None:
        item_id = made(call, collection)
        world.characters.bodies.clear()
        # A change of a voice's `from` is rejected as well, because the source of a voice is fixed.
        assert call(f"PATCH /v1/{collection}/{item_id}", changes)[0] == 400
        assert world.characters.bodies == []

    def test_values_at_the_limits_are_accepted(self, world: World, call: Call) -> None:
        largest = {"name": "é" * 50, "personality": "x" * 10_000, "startScript": "x" * 2000}
        made(call, "avatars", **largest)
        made(call, "documents", name="x" * 255, content="x" * 200_000)
        made(call, "voices", name="x" * 100, description="x" * 1024)
        assert len(world.characters.bodies) == 3

    def test_unknown_presets_and_fields_pass(self, world: World, call: Call) -> None:
        made(call, "avatars", voice={"type": "runway-live-preset", "presetId": "a-new-one"}, mood="bright")
        assert world.characters.bodies[-1]["voice"]["presetId"] == "a-new-one"
        assert world.characters.bodies[-1]["mood"] == "bright"

    def test_null_means_not_given_except_for_clearable_fields(self, world: World, call: Call) -> None:
        item_id = made(call, "avatars", startScript=None, documentIds=None)
        assert world.characters.bodies[-1] == NOVA
        call(f"PATCH /v1/avatars/{item_id}", {"startScript": None, "name": None})
        assert world.characters.bodies[-1] == {"startScript": None}

    def test_a_preview_is_validated_and_passed_on(self, world: World, call: Call) -> None:
        status, answer, _ = call("POST /v1/voices/preview", WARM["from"])
        assert (status, answer["durationSecs"]) == (200, 3.0)
        status, answer, _ = call("POST /v1/voices/preview", {"prompt": "short"})
        assert (status, paths_of(answer)) == (400, [["prompt"], ["model"]])


class TestReferences:
    def test_own_and_shared_items_can_be_referenced(self, world: World, call: Call) -> None:
        world.characters.there("documents", "faq", content="…")
        world.characters.there("voices", "house", name="House")
        mine = made(call, "documents")
        item_id = made(call, "avatars", documentIds=[mine, "faq"], voice={"type": "custom", "id": "house"})
        assert call(f"PATCH /v1/avatars/{item_id}", {"documentIds": []})[1]["documentIds"] == []

    def test_references_to_another_clients_items_get_the_response_of_missing_ones(
        self, world: World, call: Call
    ) -> None:
        voice, document = made(call, "voices", client="other"), made(call, "documents", client="other")
        own = made(call, "avatars")
        for what, body in (("POST /v1/avatars", NOVA), (f"PATCH /v1/avatars/{own}", {})):
            answers = [
                call(what, body | {"voice": {"type": "custom", "id": v}, "documentIds": [d]})[:2]
                for v, d in ((voice, document), ("missing", "missing"))
            ]
            assert answers[0] == answers[1]
            assert [issue["message"] for issue in answers[0][1]["issues"]] == ["Document not found", "Voice not found"]


class TestKnowledge:
    """An avatar has at most 50,000 tokens of documents; a token counts as four bytes."""

    def test_the_limit_applies_to_all_documents_together(self, world: World, call: Call) -> None:
        half, rest = made(call, "documents", content="x" * 100_000), made(call, "documents", content="x" * 100_004)
        assert made(call, "avatars", documentIds=[half])
        status, answer, _ = call("POST /v1/avatars", NOVA | {"documentIds": [half, rest]})
        assert (status, paths_of(answer)) == (400, [["documentIds"]])
        assert "50,000 tokens" in answer["issues"][0]["message"]

    def test_documents_at_the_limit_are_accepted(self, call: Call) -> None:
        assert made(call, "avatars", documentIds=[made(call, "documents", content="x" * 200_000)])

    def test_the_size_counts_utf8_bytes(self, call: Call) -> None:
        document = made(call, "documents", content="水" * 100_000)
        assert call("POST /v1/avatars", NOVA | {"documentIds": [document]})[0] == 400

    def test_a_shared_document_is_measured_at_runway(self, world: World, call: Call) -> None:
        world.characters.there("documents", "long", content="x" * 150_000)
        document = made(call, "documents", content="x" * 60_000)
        assert call("POST /v1/avatars", NOVA | {"documentIds": ["long", document]})[0] == 400

    def test_a_change_counts_the_new_documents_only(self, call: Call) -> None:
        one, two = (made(call, "documents", content="x" * 150_000) for _ in range(2))
        avatar = made(call, "avatars", documentIds=[one])
        assert call(f"PATCH /v1/avatars/{avatar}", {"documentIds": [two]})[0] == 200
        assert call(f"PATCH /v1/avatars/{avatar}", {"documentIds": [one, two]})[0] == 400

    def test_a_document_that_grows_must_fit_into_its_avatars(self, world: World, call: Call) -> None:
        one, two = (made(call, "documents", content="x" * 90_000) for _ in range(2))
        made(call, "avatars", documentIds=[one, two])
        status, answer, _ = call(f"PATCH /v1/documents/{one}", {"content": "x" * 120_000})
        assert (status, paths_of(answer)) == (400, [["content"]])
        assert call(f"PATCH /v1/documents/{one}", {"content": "x" * 110_000})[0] == 204
        assert call(f"PATCH /v1/documents/{two}", {"content": "x" * 100_000})[0] == 400


class TestMedia:
    def test_an_upload_is_uploaded_to_runway(self, world: World, call: Call) -> None:
        slot = create_upload("nova.png", "acme", world)
        key = next(iter(world.uploads.forms))
        world.uploads.put(key, PNG, "image/png")
        made(call, "avatars", referenceImage=slot.uri)
        assert world.characters.bodies[-1]["referenceImage"] == "runway://upload-1"
        assert world.runway.uploads == {"runway://upload-1": PNG}
        status, answer, _ = call("POST /v1/avatars", NOVA | {"referenceImage": slot.uri}, client="other")
        assert (status, paths_of(answer)) == (400, [["referenceImage"]])

    def test_a_file_in_an_allowed_bucket_is_uploaded(self, world: World, call: Call) -> None:
        world.input_buckets["media"] = MemoryObjects("media")
        world.input_buckets["media"].put("warm.mp3", b"ID3" + b"\0" * 600, "audio/mpeg")
        made(call, "voices", **{"from": {"type": "audio", "audio": "s3://media/warm.mp3"}})
        assert world.characters.bodies[-1]["from"] == {"type": "audio", "audio": "runway://upload-1"}

    @pytest.mark.parametrize(
        ("content", "words"),
        [(None, "no longer exists"), (b"GIF89a" + b"\0" * 600, "GIF"), (b"\0" * 33_554_433, "bytes")],
    )
    def test_an_unusable_file_is_named_with_its_field(
        self, content: bytes | None, words: str, world: World, call: Call
    ) -> None:
        world.input_buckets["media"] = MemoryObjects("media")
        if content is not None:
            world.input_buckets["media"].put("a.png", content, "image/png")
        status, answer, _ = call("POST /v1/avatars", NOVA | {"referenceImage": "s3://media/a.png"})
        assert (status, paths_of(answer)) == (400, [["referenceImage"]])
        assert words in answer["error"]
        assert world.characters.bodies == []

    @pytest.mark.parametrize("link", [data_uri(), "runway://an-upload-of-runways-own", "https://example.com/a.png"])
    def test_links_that_runway_can_read_pass_unchanged(self, link: str, world: World, call: Call) -> None:
        made(call, "avatars", referenceImage=link)
        assert world.characters.bodies[-1]["referenceImage"] == link
        assert world.uploads.objects == {}

    def test_a_slow_upload_fails_before_the_attempt(self, world: World, call: Call) -> None:
        """The response to a later create might be lost, and the SDK would retry it."""
        slot = create_upload("nova.png", "acme", world)
        world.uploads.put(next(iter(world.uploads.forms)), PNG, "image/png")
        upload = world.runway.upload

        def slowly(*given: Any) -> str:
            world.clock.advance(11)
            return upload(*given)

        world.runway.upload = slowly  # type: ignore[assignment]
        status, _, headers = call("POST /v1/avatars", NOVA | {"referenceImage": slot.uri})
        assert (status, headers["x-should-retry"], world.characters.bodies) == (503, "true", [])


class TestTrouble:
    FAILED_CREATES: tuple[tuple[Exception, int, str | None], ...] = (
        (CreateRefused("Runway answered HTTP 503", status=503), 503, "true"),
        (CreateRefused("Too many requests", status=429), 429, "true"),
        (CreateRefused("Runway answered HTTP 401", status=401), 502, "false"),
        (CreateRejected("Validation of body failed", status=400, issues=[{"path": ["name"]}]), 400, None),
        (CreateRefused("The avatar is processing", status=409), 409, None),
        (CreateAmbiguous("Runway's response was lost (ReadTimeout)"), 502, "false"),
    )

    @pytest.mark.parametrize(("error", "status", "retry"), FAILED_CREATES, ids=str)
    def test_an_error_of_runway_has_one_status_and_retry_header(
        self, error: Exception, status: int, retry: str | None, world: World, call: Call
    ) -> None:
        avatar = made(call, "avatars")
        for what, body in (("POST /v1/avatars", NOVA), (f"PATCH /v1/avatars/{avatar}", {"name": "New"})):
            world.characters.refuse = [error]
            found, answer, headers = call(what, body)
            assert (found, headers.get("x-should-retry")) == (status, retry)
            assert answer["error"]

    def test_the_item_of_a_lost_create_is_listed_as_shared(self, world: World, call: Call) -> None:
        """The created item is shared until an operator assigns it."""
        world.characters.lose = [CreateAmbiguous("Runway's response was lost (ReadTimeout)")]
        status, answer, headers = call("POST /v1/avatars", NOVA)
        assert (status, headers["x-should-retry"]) == (502, "false")
        assert "before retrying" in answer["error"]
        assert [item["name"] for item in call("GET /v1/avatars")[1]["data"]] == ["Nova"]

    def test_an_item_without_a_recorded_owner_is_named(
        self, world: World, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = world.table.write

        def fail(*puts: Any) -> None:
            if puts[0].row["sk"] == "owner":
                raise OSError("the table is away")
            write(*puts)

        monkeypatch.setattr(world.table, "write", fail)
        status, answer, headers = call("POST /v1/avatars", NOVA)
        assert (status, headers["x-should-retry"]) == (502, "false")
        assert "avatars-1" in answer["error"]
        assert "adopt" in answer["error"]

    @pytest.mark.parametrize("what", ["GET /v1/avatars", "GET /v1/avatars/lobby", "DELETE /v1/avatars/lobby"])
    def test_an_unavailable_runway_gives_a_retry_after(self, what: str, world: World, call: Call) -> None:
        world.characters.there("avatars", "lobby")
        world.characters.unreadable = [UpstreamUnavailable("Runway answered HTTP 500", status=500)]
        status, _, headers = call(what)
        assert (status, headers["retry-after"]) == (503, "5")


class TestUsage:
    def test_usage_of_all_clients_requires_the_scope_account(self, world: World, call: Call) -> None:
        span = {"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-02-01T00:00:00Z"}
        status, answer, _ = call("GET /v1/avatar_usage", scopes="account", **span)
        assert (status, answer["totalSessions"]) == (200, 0)
        assert world.characters.queries == [span]
        assert call("GET /v1/avatar_usage", scopes="avatars admin")[0] == 403

    def test_a_rejected_query_has_runways_issues(self, world: World, call: Call) -> None:
        world.characters.unreadable = [UpstreamRejected("Validation of query failed", issues=[{"path": ["endDate"]}])]
        status, answer, _ = call("GET /v1/avatar_usage", scopes="account")
        assert (status, paths_of(answer)) == (400, [["endDate"]])
