"""Runway's API over real sockets: what each response, and each lost response, means for money."""

from __future__ import annotations

import io
import random
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any, ClassVar

import httpx
import pytest

from tarmac.runway import errors
from tarmac.runway.client import RunwayClient
from tarmac.runway.connection import API_VERSION, NEVER_SENT, READ_TRIES, RunwayConnection, new_http
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    KeyUnavailable,
    RunwayError,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tarmac.runway.flavors import COMETAPI, RUNWAY, Flavor
from tests.fakes import ManualClock
from tests.fakes.servers import Behaviour, TinyServer, answer, hang_up, head, raw, reset, stall, tiny_server

BODY = {"model": "gen4.5", "promptText": "A dog – é 🎬"}
CREATED = answer(200, {"id": "up-1", "estimatedCost": {"credits": 60}})


class Keys:
    """The key's store: it counts, and gives another key when asked afresh."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.problem: KeyUnavailable | None = None

    def __call__(self, fresh: bool) -> str:
        self.asked.append(fresh)
        if self.problem:
            raise self.problem
        return "key_new" if True in self.asked else "key_old"


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with new_http(timeout_seconds=1.0) as client:
        yield client


@pytest.fixture
def runway(server: TinyServer, keys: Keys, clock: ManualClock, http: httpx.Client) -> RunwayClient:
    return RunwayClient(RunwayConnection(server.url + "/", keys, clock, http, random.Random(1)))


@pytest.fixture
def closed_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class TestCreate:
    def test_is_one_post_in_runways_words(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(CREATED)
        created = runway.create("image_to_video", BODY)
        assert (created.upstream_id, created.estimated_credits) == ("up-1", 60.0)
        [request] = server.requests
        assert (request.method, request.path, request.json()) == ("POST", "/v1/image_to_video", BODY)
        assert request.headers["authorization"] == "Bearer key_old"
        assert request.headers["x-runway-version"] == API_VERSION == "2024-11-06"
        assert request.headers["content-type"] == "application/json"

    @pytest.mark.parametrize(
        ("body", "credits"),
        [
            ({"id": "up-1"}, None),
            ({"id": "up-1", "estimatedCost": None}, None),
            ({"id": "up-1", "estimatedCost": {}}, None),
            ({"id": "up-1", "estimatedCost": {"credits": "60"}}, None),
            ({"id": "up-1", "estimatedCost": {"credits": True}}, None),
            ({"id": "up-1", "estimatedCost": {"credits": 0}}, 0.0),
            ({"id": "up-1", "estimatedCost": {"credits": 12.5}}, 12.5),
        ],
    )
    def test_reads_the_price_where_there_is_one(
        self, body: dict[str, Any], credits: float | None, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(200, body))
        assert runway.create("text_to_video", BODY).estimated_credits == credits

    def test_is_created_with_any_2xx(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(201, {"id": "up-1"}))
        assert runway.create("text_to_video", BODY).upstream_id == "up-1"

    @pytest.mark.parametrize("status", [409, 425, 429, 503])
    def test_that_runway_did_not_take_is_refused(self, status: int, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(status, {"error": "Not now."}))
        with pytest.raises(CreateRefused, match="Not now") as caught:
            runway.create("text_to_video", BODY)
        assert caught.value.status == status
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 413, 415, 422, 451])
    def test_that_runway_will_not_have_is_rejected(self, status: int, runway: RunwayClient, server: TinyServer) -> None:
        issues = [{"code": "custom", "path": ["ratio"], "message": "no"}]
        server.answers(answer(status, {"error": "Validation failed", "issues": issues}))
        with pytest.raises(CreateRejected, match="Validation failed") as caught:
            runway.create("text_to_video", BODY)
        assert (caught.value.status, caught.value.issues) == (status, issues)
        assert len(server.requests) == 1

    AMBIGUOUS: ClassVar[dict[str, Behaviour]] = {
        "408": answer(408),
        "500": answer(500, {"error": "Oops"}),
        "502": answer(502, b"<html>Bad gateway</html>"),
        "504": answer(504),
        "520": answer(520),
        "a redirect": answer(302, b"", {"location": "/v1/elsewhere"}),
        "a 2xx that is not JSON": answer(200, b"OK"),
        "a 2xx that is empty": answer(200),
        "a 2xx that is a list": answer(200, [{"id": "up-1"}]),
        "a 2xx that is a string": answer(200, "up-1"),
        "a 2xx that is null": answer(200, b"null"),
        "a 2xx that is not UTF-8": answer(200, b'{"id": "\xff"}'),
        "a 2xx without id": answer(200, {"task": "up-1"}),
        "a 2xx with a number for an id": answer(200, {"id": 7}),
        "a 2xx with an empty id": answer(200, {"id": ""}),
        "a reset": reset,
        "the end of the connection": hang_up,
        "half a head": raw(b"HTTP/1.1 200 OK\r\ncontent-le"),
        "half a body": raw(head(content_length="100") + b'{"id": "up-1"'),
        "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        "a stall": stall,
        "a stall in the body": raw(head(content_length="14") + b'{"id": ', b'"up-1"}', pause_seconds=30),
    }  # fmt: skip

    @pytest.mark.parametrize("behaviour", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_with_a_lost_response_is_ambiguous_and_never_retried(
        self, behaviour: Behaviour, runway: RunwayClient, server: TinyServer, clock: ManualClock
    ) -> None:
        server.answers(behaviour)
        before = clock.now()
        with pytest.raises(CreateAmbiguous) as caught:
            runway.create("text_to_video", BODY)
        assert server.methods == ["POST"]
        assert clock.now() == before
        assert "A dog" not in str(caught.value)
        assert "key_" not in str(caught.value)

    def test_to_a_closed_port_is_refused(
        self, keys: Keys, clock: ManualClock, http: httpx.Client, closed_port: int
    ) -> None:
        with pytest.raises(CreateRefused, match="ConnectError"):
            RunwayClient(RunwayConnection(f"http://127.0.0.1:{closed_port}", keys, clock, http)).create(
                "text_to_video", BODY
            )

    def test_to_a_name_that_does_not_resolve_is_refused(
        self, keys: Keys, clock: ManualClock, http: httpx.Client
    ) -> None:
        with pytest.raises(CreateRefused):
            RunwayClient(RunwayConnection("http://runway.invalid", keys, clock, http)).create("text_to_video", BODY)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7.0),
            ("0.5", 0.5),
            ("-3", 0.0),
            (formatdate(ManualClock().now() + 90, usegmt=True), 90.0),
            (formatdate(ManualClock().now() - 90, usegmt=True), 0.0),
            ("soon", None),
            ("", None),
            ("99999999999999999999", 99999999999999999999.0),
        ],
    )
    def test_that_is_refused_has_the_seconds_of_retry_after(
        self, value: str, seconds: float | None, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(429, {"error": "Daily limit"}, {"retry-after": value}))
        with pytest.raises(CreateRefused) as caught:
            runway.create("text_to_video", BODY)
        assert caught.value.retry_after_seconds == seconds
        assert caught.value.is_quota

    @pytest.mark.parametrize("body", [b"", b"<html>", [], {"error": None}, {"error": {"a": 1}}, {"message": "x"}])
    def test_that_is_rejected_without_words_has_a_message(
        self, body: Any, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(400, body))
        with pytest.raises(CreateRejected) as caught:
            runway.create("text_to_video", BODY)
        assert str(caught.value)
        assert caught.value.issues == []

    @pytest.mark.parametrize("body", [{"error": {"message": "No credit"}}, {"code": "x", "message": "No credit"}])
    def test_that_a_reseller_rejects_has_its_words(self, body: Any, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(403, body))
        with pytest.raises(CreateRejected, match=r"^No credit$"):
            runway.create("text_to_video", BODY)

    def test_that_is_rejected_at_length_has_a_message_that_fits_a_row(
        self, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(400, {"error": "x" * 500_000}))
        with pytest.raises(CreateRejected) as caught:
            runway.create("text_to_video", BODY)
        assert len(str(caught.value)) < 10_000


class TestKey:
    def test_that_was_rotated_is_fetched_again_once(self, runway: RunwayClient, server: TinyServer, keys: Keys) -> None:
        server.answers(answer(401, {"error": "Unauthorized"}), CREATED)
        assert runway.create("text_to_video", BODY).upstream_id == "up-1"
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer key_old", "Bearer key_new"]
        assert keys.asked == [False, True]

    def test_that_is_wrong_refuses_the_create_after_two_tries(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(401, {"error": "Unauthorized"}))
        with pytest.raises(CreateRefused) as caught:
            runway.create("text_to_video", BODY)
        assert (caught.value.status, caught.value.is_quota) == (401, True)
        assert len(server.requests) == 2

    def test_that_was_rotated_does_not_hide_a_lost_response(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(401), answer(502))
        with pytest.raises(CreateAmbiguous):
            runway.create("text_to_video", BODY)
        assert len(server.requests) == 2

    def test_that_cannot_be_read_prevents_the_request(
        self, runway: RunwayClient, server: TinyServer, keys: Keys
    ) -> None:
        keys.problem = KeyUnavailable("no Runway key is set")
        with pytest.raises(CreateRefused, match="no Runway key is set"):
            runway.create("text_to_video", BODY)
        with pytest.raises(UpstreamUnavailable):
            runway.task("up-1")
        assert server.requests == []


class TestTask:
    def test_is_read_as_runway_shows_it(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(
            answer(200, {"id": "up-1", "status": "RUNNING", "progress": 0.4, "estimatedCost": {"credits": 60}})
        )
        task = runway.task("up-1")
        assert (task.id, task.status, task.progress, task.output, task.cost_credits) == (
            "up-1",
            "RUNNING",
            0.4,
            (),
            None,
        )
        [request] = server.requests
        assert (request.method, request.path) == ("GET", "/v1/tasks/up-1")
        assert request.headers["authorization"] == "Bearer key_old"
        assert request.headers["x-runway-version"] == API_VERSION

    def test_that_succeeded_has_links_and_a_price(self, runway: RunwayClient, server: TinyServer) -> None:
        links = ["https://cdn.example/1.mp4?sig=a", "https://cdn.example/2.mp4?sig=b"]
        server.answers(answer(200, {"status": "SUCCEEDED", "output": links, "cost": {"credits": 60}}))
        task = runway.task("up-1")
        assert (list(task.output), task.cost_credits, task.is_terminal) == (links, 60.0, True)

    @pytest.mark.parametrize("code", ["INTERNAL.BAD_OUTPUT.01", None])
    def test_that_failed_has_words_and_perhaps_a_code(
        self, code: str | None, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(200, {"status": "FAILED", "failure": "It broke", "failureCode": code}))
        task = runway.task("up-1")
        assert (task.failure, task.failure_code, task.is_terminal) == ("It broke", code, True)

    @pytest.mark.parametrize(
        ("progress", "expected"), [(None, None), ("0.5", None), (True, None), (0, 0.0), (1, 1.0), (0.25, 0.25)]
    )
    def test_has_progress_where_it_is_a_number(
        self, progress: Any, expected: float | None, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(200, {"status": "RUNNING", "progress": progress}))
        assert runway.task("up-1").progress == expected

    @pytest.mark.parametrize("progress", [b"NaN", b"Infinity", b"1e999"])
    def test_has_no_progress_that_a_row_could_not_hold(
        self, progress: bytes, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(answer(200, b'{"status": "RUNNING", "progress": ' + progress + b"}"))
        assert runway.task("up-1").progress is None

    @pytest.mark.parametrize("status", ["PENDING", "THROTTLED", "RUNNING", "A_STATUS_OF_TOMORROW"])
    def test_is_not_ended_unless_runway_reports_it(self, status: str, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(200, {"status": status}))
        assert not runway.task("up-1").is_terminal

    def test_that_is_not_found_is_gone_without_a_retry(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(404, {"error": "Not found"}))
        with pytest.raises(UpstreamGone):
            runway.task("up-1")
        assert len(server.requests) == 1

    UNREADABLE: ClassVar[dict[str, Behaviour]] = {
        "403": answer(403),
        "429": answer(429),
        "500": answer(500),
        "502": answer(502),
        "503": answer(503),
        "a redirect": answer(301, b"", {"location": "http://127.0.0.1:1/"}),
        "a reset": reset,
        "a hang-up": hang_up,
        "half a body": raw(head(content_length="100") + b"{"),
    }  # fmt: skip

    @pytest.mark.parametrize("behaviour", UNREADABLE.values(), ids=UNREADABLE)
    def test_is_read_again_with_growing_pauses(
        self, behaviour: Behaviour, runway: RunwayClient, server: TinyServer, clock: ManualClock
    ) -> None:
        server.answers(behaviour)
        before = clock.now()
        with pytest.raises(UpstreamUnavailable):
            runway.task("up-1")
        assert len(server.requests) == READ_TRIES
        assert 3 <= clock.now() - before <= 10

    def test_is_read_when_it_can_be(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(503), reset, answer(200, {"status": "RUNNING"}))
        assert runway.task("up-1").status == "RUNNING"

    def test_waits_as_long_as_runway_asks_within_reason(
        self, runway: RunwayClient, server: TinyServer, clock: ManualClock
    ) -> None:
        server.answers(answer(429, b"", {"retry-after": "3"}), answer(404))
        before = clock.now()
        with pytest.raises(UpstreamGone):
            runway.task("up-1")
        assert 3 <= clock.now() - before < 4
        server.answers(answer(429, b"", {"retry-after": "3600"}))
        before = clock.now()
        with pytest.raises(UpstreamUnavailable):
            runway.task("up-1")
        assert clock.now() - before <= 20

    def test_has_runways_retry_after_when_all_tries_fail(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(429, b"", {"retry-after": "120"}))
        with pytest.raises(UpstreamUnavailable) as caught:
            runway.task("up-1")
        assert caught.value.retry_after_seconds == 120.0

    def test_takes_a_fresh_key_after_a_401(self, runway: RunwayClient, server: TinyServer, keys: Keys) -> None:
        server.answers(answer(401), answer(200, {"status": "RUNNING"}))
        runway.task("up-1")
        assert server.requests[-1].headers["authorization"] == "Bearer key_new"
        assert keys.asked == [False, True]

    @pytest.mark.parametrize("body", [b"", b"<html>", b"null", [], {"id": "up-1"}, "RUNNING"])
    def test_that_makes_no_sense_is_unavailable(self, body: Any, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(200, body))
        with pytest.raises(UpstreamUnavailable):
            runway.task("up-1")

    def test_without_a_response_fails_before_the_functions_time_out(
        self, server: TinyServer, keys: Keys, clock: ManualClock
    ) -> None:
        """PollTask and ReadTasks time out after 30 s. All tries and pauses must fit into that."""
        waits: list[float] = []

        def slow(request: httpx.Request) -> httpx.Response:
            waits.append(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("slow", request=request)

        with httpx.Client(transport=httpx.MockTransport(slow), timeout=new_http().timeout) as http:
            before = clock.now()
            with pytest.raises(UpstreamUnavailable):
                RunwayClient(RunwayConnection(server.url, keys, clock, http)).task("up-1")
        assert sum(waits) + clock.now() - before < 28


class TestRelay:
    """Calls that are passed on to Runway."""

    def test_is_retried_where_it_changes_nothing(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(503), answer(200, {"data": []}))
        assert runway.relay("GET", "/v1/routers", {"limit": "7", "cursor": "a b"}, None) == {"data": []}
        assert [request.path for request in server.requests] == ["/v1/routers?limit=7&cursor=a+b"] * 2

    def test_is_never_retried_where_it_changes_something(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(502))
        for method in ("POST", "PATCH"):
            with pytest.raises(CreateAmbiguous):
                runway.relay(method, "/v1/routers", {}, {"slug": "a"})
        assert server.methods == ["POST", "PATCH"]
        assert [request.json() for request in server.requests] == [{"slug": "a"}] * 2

    def test_may_have_an_empty_response(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(204))
        assert runway.relay("DELETE", "/v1/routers/r", {}, None) is None
        assert server.methods == ["DELETE"]

    def test_that_runway_rejects_is_an_error_of_the_caller(self, runway: RunwayClient, server: TinyServer) -> None:
        issues = [{"path": ["limit"], "message": "too big"}]
        server.answers(answer(400, {"error": "Validation failed", "issues": issues}))
        with pytest.raises(UpstreamRejected, match="Validation failed") as caught:
            runway.relay("GET", "/v1/routers", {}, None)
        assert (caught.value.issues, len(server.requests)) == (issues, 1)


class TestCancel:
    @pytest.mark.parametrize(("flavor", "id"), [(RUNWAY, "workflow_invocations/i"), (COMETAPI, "up-1")])
    def test_of_what_cannot_be_cancelled_makes_no_request(
        self, flavor: Flavor, id: str, server: TinyServer, keys: Keys, clock: ManualClock, http: httpx.Client
    ) -> None:
        RunwayClient(RunwayConnection(server.url, keys, clock, http), flavor).cancel(id)
        assert server.requests == []

    def test_is_a_delete(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(204))
        runway.cancel("up-1")
        assert [(request.method, request.path) for request in server.requests] == [("DELETE", "/v1/tasks/up-1")]

    def test_of_a_missing_task_succeeds(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(404, {"error": "Not found"}))
        runway.cancel("up-1")

    def test_is_retried_and_then_fails(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(503))
        with pytest.raises(UpstreamUnavailable):
            runway.cancel("up-1")
        assert server.methods == ["DELETE"] * READ_TRIES

    def test_with_a_lost_first_response_is_done(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(reset, answer(404))
        runway.cancel("up-1")


SLOT_FIELDS = {"key": "tmp/abc/${filename}", "policy": "eyJ=", "x-amz-signature": "00ff"}


class TestUpload:
    @pytest.fixture
    def storage(self) -> Iterator[TinyServer]:
        """The host that Runway's upload slots lead to."""
        with tiny_server() as running:
            running.answers(raw(head(204)))
            yield running

    @pytest.fixture
    def slot(self, server: TinyServer, storage: TinyServer) -> Behaviour:
        made = answer(200, {"uploadUrl": f"{storage.url}/bucket", "fields": SLOT_FIELDS, "runwayUri": "runway://abc"})
        server.answers(made)
        return made

    def test_asks_for_a_slot_and_gives_the_uri(self, slot: Behaviour, runway: RunwayClient, server: TinyServer) -> None:
        assert runway.upload("input.png", "image/png", io.BytesIO(b"pixels")) == "runway://abc"
        [request] = server.requests
        assert (request.method, request.path) == ("POST", "/v1/uploads")
        assert request.json() == {"filename": "input.png", "type": "ephemeral"}

    def test_has_the_fields_first_and_the_file_last(
        self, slot: Behaviour, runway: RunwayClient, storage: TinyServer
    ) -> None:
        runway.upload("input.png", "image/png", io.BytesIO(b"pixels"))
        [request] = storage.requests
        assert (request.method, request.path) == ("POST", "/bucket")
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert int(request.headers["content-length"]) == len(request.body)
        boundary = request.headers["content-type"].partition("boundary=")[2].encode()
        parts = request.body.split(b"--" + boundary)[1:-1]
        named = [part.partition(b'name="')[2].partition(b'"')[0].decode() for part in parts]
        assert named == [*SLOT_FIELDS, "file"]
        assert b'filename="input.png"' in parts[-1]
        assert b"image/png" in parts[-1]
        assert parts[-1].endswith(b"\r\n\r\npixels\r\n")

    def test_does_not_show_runways_key_to_the_storage_host(
        self, slot: Behaviour, runway: RunwayClient, storage: TinyServer
    ) -> None:
        runway.upload("input.png", "image/png", io.BytesIO(b"pixels"))
        [request] = storage.requests
        assert not {"authorization", "x-runway-version"} & request.headers.keys()
        assert b"key_old" not in request.body

    @pytest.mark.parametrize("status", [200, 201, 204])
    def test_is_stored_with_any_2xx(
        self, status: int, slot: Behaviour, runway: RunwayClient, storage: TinyServer
    ) -> None:
        storage.answers(raw(head(status, content_length="0")))
        assert runway.upload("a.png", "image/png", io.BytesIO(b"x")) == "runway://abc"

    @pytest.mark.parametrize("status", [400, 413, 415])
    def test_that_the_storage_will_not_have_is_rejected(
        self, status: int, slot: Behaviour, runway: RunwayClient, storage: TinyServer
    ) -> None:
        storage.answers(answer(status))
        with pytest.raises(CreateRejected):
            runway.upload("a.png", "image/png", io.BytesIO(b"x"))

    @pytest.mark.parametrize(
        "behaviour", [answer(403), answer(500), answer(503), answer(307, b"", {"location": "/"}), reset, hang_up]
    )
    def test_that_failed_is_not_replayed(
        self, behaviour: Behaviour, slot: Behaviour, runway: RunwayClient, storage: TinyServer
    ) -> None:
        storage.answers(behaviour)
        with pytest.raises(CreateRefused):
            runway.upload("a.png", "image/png", io.BytesIO(b"x"))
        assert len(storage.requests) == 1

    @pytest.mark.parametrize("behaviour", [answer(502), answer(429), answer(200, b"OK"), answer(200, {}), reset, stall])
    def test_without_a_slot_is_refused_since_it_costs_nothing(
        self, behaviour: Behaviour, runway: RunwayClient, server: TinyServer
    ) -> None:
        server.answers(behaviour)
        with pytest.raises(CreateRefused):
            runway.upload("a.png", "image/png", io.BytesIO(b"x"))
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "slot",
        [
            {"uploadUrl": "not a url", "fields": {}, "runwayUri": "runway://abc"},
            {"uploadUrl": "ftp://storage.example/", "fields": {}, "runwayUri": "runway://abc"},
            {"uploadUrl": 7, "fields": {}, "runwayUri": "runway://abc"},
            {"uploadUrl": "http://127.0.0.1:1/", "fields": [1], "runwayUri": "runway://abc"},
            [],
            None,
        ],
    )
    def test_to_a_malformed_slot_is_refused(self, slot: Any, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(200, slot))
        with pytest.raises(CreateRefused):
            runway.upload("a.png", "image/png", io.BytesIO(b"x"))

    def test_that_runway_will_not_have_is_rejected(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(answer(400, {"error": "filename: must have an extension"}))
        with pytest.raises(CreateRejected, match="extension"):
            runway.upload("a", "image/png", io.BytesIO(b"x"))


class TestConnections:
    def test_serve_one_request_each(self, runway: RunwayClient, server: TinyServer) -> None:
        """A kept-alive connection that Runway has closed would turn a plain create into an ambiguous one."""
        alive = raw(b'HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{"status": "RUNNING"}')
        server.answers(alive)
        runway.task("up-1")
        runway.task("up-1")
        server.answers(CREATED)
        assert runway.create("text_to_video", BODY).upstream_id == "up-1"

    def test_ignore_proxies_of_the_environment(
        self, server: TinyServer, keys: Keys, clock: ManualClock, closed_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
        server.answers(CREATED)
        with new_http(1) as http:
            assert (
                RunwayClient(RunwayConnection(server.url, keys, clock, http)).create("text_to_video", BODY).upstream_id
                == "up-1"
            )

    def test_are_not_waited_for_long(self) -> None:
        with new_http() as http:
            assert http.timeout.connect is not None
            assert http.timeout.connect <= 10

    def test_a_stalled_create_ends_within_the_time_of_submit(self, runway: RunwayClient, server: TinyServer) -> None:
        server.answers(stall)
        began = time.monotonic()
        with pytest.raises(CreateAmbiguous):
            runway.create("text_to_video", BODY)
        assert time.monotonic() - began < 5


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


@pytest.mark.parametrize("error", sorted(set(_subclasses(httpx.RequestError)), key=str))
def test_only_errors_before_the_request_are_refusals(
    error: type[httpx.RequestError], keys: Keys, clock: ManualClock
) -> None:
    """Every error of httpx, also of later versions: an unlisted one is ambiguous, so that no create is paid twice."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("broken")

    with httpx.Client(transport=httpx.MockTransport(fail)) as http:
        expected = CreateRefused if error in NEVER_SENT else CreateAmbiguous
        with pytest.raises(expected):
            RunwayClient(RunwayConnection("https://runway.example", keys, clock, http)).create("text_to_video", BODY)


def test_errors_are_sorted_by_consequence() -> None:
    """Catching one error never catches another, and the text of an error is only its message."""
    kinds = set(_subclasses(errors.RunwayError))
    assert {CreateRefused, CreateRejected, CreateAmbiguous, UpstreamUnavailable, UpstreamGone, KeyUnavailable} <= kinds
    assert all(kind.__bases__ == (RunwayError,) for kind in kinds)
    assert str(CreateRejected("m", status=400, issues=[{"path": ["promptText"]}])) == "m"
