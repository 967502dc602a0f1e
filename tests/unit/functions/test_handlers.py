"""Every function: an event of events/ in, the response for API Gateway or Step Functions out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from local.checks.template import Deployment
from tarmac.outcome import NotEnded
from tarmac.rows import Output
from tarmac.runway.errors import CreateAmbiguous, KeyUnavailable
from tarmac.runway.flavors import COMETAPI
from tarmac.tasks.poll import poll
from tarmac.tasks.task import State
from tests.fakes import World
from tests.fakes.composed import finish
from tests.fakes.samples import EVENTS, NOW, PNG, TASK_ID, a_task, data_uri, event, good_body, http_create
from tests.fakes.stories import accepted, standing, submitted, succeeded

HandlerOf = Callable[[str], Callable[[dict[str, Any], Any], dict[str, Any]]]


def body_of(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


NO_CLIENT: dict[str, Any] = {"isAuthorized": True, "context": {}}
"""Passes the authorizer without a client; the function returns Runway's 401."""


class TestAuthorizeRequest:
    @pytest.fixture
    def key(self, world: World) -> str:
        return world.clients.create_key("acme", ["tasks", "account"], NOW)

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_identifies_a_key(self, scheme: str, key: str, handler_of: HandlerOf) -> None:
        request = event("authorizer-request")
        request["headers"]["authorization"] = f"{scheme} {key}"
        assert handler_of("authorize_request")(request, None) == {
            "isAuthorized": True,
            "context": {"client": "acme", "scopes": "account tasks"},
        }

    @pytest.mark.parametrize(
        "value", ["", "Bearer", "Bearer ", "Basic {key}", "{key}", "Bearer {key}x", "Bearer x {key}"]
    )
    def test_anything_else_has_no_client(self, value: str, key: str, handler_of: HandlerOf) -> None:
        request = event("authorizer-request")
        request["headers"]["authorization"] = value.format(key=key)
        assert handler_of("authorize_request")(request, None) == NO_CLIENT

    def test_does_not_know_the_key_of_the_sample(self, key: str, handler_of: HandlerOf) -> None:
        assert handler_of("authorize_request")(event("authorizer-request"), None) == NO_CLIENT

    def test_forgets_a_revoked_key(self, key: str, world: World, handler_of: HandlerOf) -> None:
        world.clients.revoke(key)
        request = event("authorizer-request")
        request["headers"]["authorization"] = f"Bearer {key}"
        assert handler_of("authorize_request")(request, None) == NO_CLIENT

    def test_a_request_without_the_header_has_no_client(self, handler_of: HandlerOf) -> None:
        request = event("authorizer-request")
        del request["headers"]["authorization"]
        assert handler_of("authorize_request")(request, None) == NO_CLIENT

    def test_logs_no_key(self, key: str, handler_of: HandlerOf, caplog: pytest.LogCaptureFixture) -> None:
        request = event("authorizer-request")
        request["headers"]["authorization"] = f"Bearer {key}"
        handler_of("authorize_request")(request, None)
        assert caplog.records
        assert key[4:] not in str([vars(record) for record in caplog.records])


class TestManageCharacters:
    def test_responds_as_runway_does(self, world: World, handler_of: HandlerOf) -> None:
        answer = handler_of("manage_characters")(event("http-create-avatar"), None)
        assert (answer["statusCode"], body_of(answer)["name"]) == (200, "Nova")
        assert world.characters.bodies == [json.loads(event("http-create-avatar")["body"])]

    def test_neither_logs_nor_stores_the_body(
        self, world: World, handler_of: HandlerOf, caplog: pytest.LogCaptureFixture
    ) -> None:
        handler_of("manage_characters")(event("http-create-avatar"), None)
        assert caplog.records
        assert "helpful" not in str([vars(record) for record in caplog.records])
        assert "helpful" not in str(world.table.rows)


class TestCreateTask:
    def test_responds_as_runway_does(self, world: World, handler_of: HandlerOf) -> None:
        answer = handler_of("create_task")(event("http-image-to-video"), None)
        assert answer["statusCode"] == 200
        task_id = body_of(answer)["id"]
        assert body_of(answer) == {"id": task_id, "estimatedCost": {"credits": 25}}
        task = world.tasks.get(task_id)
        assert (task.client, task.operation, task.model, task.source) == (
            "acme",
            "image_to_video",
            "gen4_turbo",
            {"kind": "api"},
        )
        assert task.metadata == {"order": "A-17"}
        assert task.deadline_at == NOW + 21_600
        assert world.executions.started == {task_id: json.dumps({"taskId": task_id}, separators=(",", ":"))}
        assert "metadata" not in world.tasks.request(task_id)["body"]

    BAD: ClassVar[dict[str, tuple[dict[str, Any], int, str]]] = {
        "no image": (http_create(good_body("image_to_video", "gen4_turbo", promptImage=None)), 400, "promptImage"),
        "an unknown ratio": (http_create(good_body("image_to_video", "gen4_turbo", ratio="1:1")), 400, "ratio"),
        "a wrong duration": (http_create(good_body("image_to_video", "gen4_turbo", duration=1)), 400, "duration"),
        "no model": (http_create({"promptText": "x"}), 400, "model"),
        "bad metadata": (http_create({"model": "gen4_turbo", "metadata": {"a": 1}}), 400, "metadata.a"),
        "broken JSON": (http_create(text='{"model": '), 400, "not JSON"),
        "an empty body": (http_create(text=""), 400, "empty"),
        "a list": (http_create([]), 400, "object"),
        "an unusable idempotency key": (
            http_create(good_body("image_to_video", "gen4_turbo"), headers={"idempotency-key": "x" * 256}),
            400,
            "Idempotency-Key",
        ),
        "no scope": (http_create(good_body("image_to_video", "gen4_turbo"), scopes="account"), 403, "tasks"),
        "too much": (http_create({"model": "gen4_turbo", "promptText": "x" * 6_000_000}), 413, "/v1/uploads"),
    }

    @pytest.mark.parametrize(("request_", "status", "words"), BAD.values(), ids=BAD)
    def test_rejects_an_invalid_create(
        self, request_: dict[str, Any], status: int, words: str, world: World, handler_of: HandlerOf
    ) -> None:
        answer = handler_of("create_task")(request_, None)
        assert answer["statusCode"] == status
        assert words in body_of(answer)["error"]
        assert (world.table.rows, world.executions.started, world.uploads.objects) == ({}, {}, {})

    def test_accepts_a_run_of_a_workflow(self, world: World, handler_of: HandlerOf) -> None:
        sent = event("http-run-workflow")
        answer = handler_of("create_task")(sent, None)
        assert answer["statusCode"] == 200, answer["body"]
        task = world.tasks.get(body_of(answer)["id"])
        assert (task.operation, task.model) == (f"workflows/{sent['pathParameters']['id']}", "workflow")
        assert world.tasks.request(task.id)["body"] == {"nodeOutputs": json.loads(sent["body"])["nodeOutputs"]}

    @pytest.mark.parametrize("text", ["", "{}"])
    def test_accepts_a_run_that_is_given_nothing(self, text: str, world: World, handler_of: HandlerOf) -> None:
        answer = handler_of("create_task")(event("http-run-workflow") | {"body": text}, None)
        assert body_of(answer)["estimatedCost"] == {"credits": None}
        assert world.tasks.request(body_of(answer)["id"])["body"] == {}

    @pytest.mark.parametrize("id", ["../tasks", "a/b", "", " ", "x" * 81, "a?b"])
    def test_rejects_an_invalid_workflow_id(self, id: str, handler_of: HandlerOf) -> None:
        sent = event("http-run-workflow") | {"pathParameters": {"id": id}}
        assert handler_of("create_task")(sent, None)["statusCode"] == 404

    NODES: ClassVar[dict[str, Any]] = {
        "nodeOutputs": [],
        "nodeOutputs.n": {"n": "x"},
        "nodeOutputs.n.prompt": {"n": {"prompt": "x"}},
        "nodeOutputs.n.prompt.type": {"n": {"prompt": {"value": "x"}}},
        "nodeOutputs.n.prompt.value": {"n": {"prompt": {"type": "primitive", "value": ["x"]}}},
        "nodeOutputs.n.frame.uri": {"n": {"frame": {"type": "image", "uri": "http://example.com/a.png"}}},
        "nodeOutputs.n.clip.uri": {"n": {"clip": {"type": "video", "uri": data_uri(PNG)}}},
    }

    @pytest.mark.parametrize(("path", "given"), NODES.items(), ids=NODES)
    def test_names_what_a_node_cannot_take(self, path: str, given: Any, world: World, handler_of: HandlerOf) -> None:
        sent = event("http-run-workflow") | {"body": json.dumps({"nodeOutputs": given})}
        answer = handler_of("create_task")(sent, None)
        assert answer["statusCode"] == 400
        assert [".".join(map(str, issue["path"])) for issue in body_of(answer)["issues"]] == [path]

    def test_an_operation_that_the_upstream_does_not_offer_is_not_found(
        self, world: World, handler_of: HandlerOf
    ) -> None:
        world.flavor = COMETAPI
        answer = handler_of("create_task")(event("http-run-workflow"), None)
        assert (answer["statusCode"], "CometAPI" in body_of(answer)["error"]) == (404, True)

    def test_an_unknown_operation_is_not_found(self, handler_of: HandlerOf) -> None:
        request = event("http-image-to-video")
        request["pathParameters"]["operation"] = "video_to_smell"
        assert handler_of("create_task")(request, None)["statusCode"] == 404

    def test_accepts_no_create_without_a_runway_key(self, world: World, handler_of: HandlerOf) -> None:
        world.key_problem = KeyUnavailable("no Runway key is set: run `tarmac secret set`")
        answer = handler_of("create_task")(event("http-image-to-video"), None)
        assert answer["statusCode"] == 503
        assert "tarmac secret set" in body_of(answer)["error"]
        assert answer["headers"]["retry-after"]
        assert world.table.rows == {}

    def test_returns_the_same_response_for_the_same_idempotency_key(self, world: World, handler_of: HandlerOf) -> None:
        create = handler_of("create_task")
        request = event("http-image-to-video")
        request["headers"]["idempotency-key"] = "order-17"
        first, second = create(request, None), create(request, None)
        assert first["body"] == second["body"]
        assert len(world.executions.started) == 1
        other = http_create(good_body("image_to_video", "gen4_turbo"), headers={"idempotency-key": "order-17"})
        assert create(other, None)["statusCode"] == 422

    def test_finds_the_first_attempt_of_an_sdks_retry(self, world: World, handler_of: HandlerOf) -> None:
        create = handler_of("create_task")
        first = create(event("http-image-to-video"), None)
        retry = event("http-image-to-video")
        retry["headers"]["x-stainless-retry-count"] = "1"
        assert create(retry, None)["body"] == first["body"]
        assert body_of(create(event("http-image-to-video"), None))["id"] != body_of(first)["id"]

    def test_returns_json_for_every_fault(self, world: World, handler_of: HandlerOf) -> None:
        world.table = None  # type: ignore[assignment]
        answer = handler_of("create_task")(event("http-image-to-video"), None)
        assert answer["statusCode"] == 500
        assert body_of(answer)["error"].startswith("Internal error")

    def test_takes_a_body_with_a_large_image(self, world: World, handler_of: HandlerOf) -> None:
        body = good_body("image_to_video", "gen4_turbo", promptImage=data_uri(PNG + bytes(3_900_000)))
        assert handler_of("create_task")(http_create(body), None)["statusCode"] == 200
        assert len(world.uploads.objects) == 1

    @pytest.mark.parametrize("parameter", ["promptText", "something_new"])
    @pytest.mark.parametrize("start", ["data:,", "data:image/png;BASE64,"])
    def test_a_large_body_of_any_kind_causes_no_fault(
        self, start: str, parameter: str, world: World, handler_of: HandlerOf
    ) -> None:
        body = good_body("image_to_video", "gen4_turbo") | {parameter: start + "A" * 5_000_000}
        assert handler_of("create_task")(http_create(body), None)["statusCode"] in (200, 400, 413)

    def test_logs_no_prompt_no_link_and_no_stranger_s_names(
        self, handler_of: HandlerOf, caplog: pytest.LogCaptureFixture
    ) -> None:
        body = good_body("image_to_video", "gen4_turbo", promptText="canary prompt") | {"canary-" + "x" * 9000: 1}
        handler_of("create_task")(http_create(body), None)
        lines = str([vars(record) for record in caplog.records])
        assert "canary prompt" not in lines
        assert "media.example.com" not in lines
        assert "A-17" not in lines
        assert len(lines) < 8000


class TestCreateTaskByHand:
    def test_makes_a_task_named_as_the_execution(self, world: World, handler_of: HandlerOf) -> None:
        given = event("execution-input-by-hand") | {"execution": "my-first-try"}
        assert handler_of("create_task")(given, None) == {"taskId": "my-first-try"}
        task = world.tasks.get("my-first-try")
        assert (task.client, task.operation, task.metadata) == ("console", "text_to_video", {"order": "A-18"})
        assert task.source == {"kind": "console", "execution": "my-first-try"}
        assert world.executions.started == {}

    def test_may_be_retried_by_the_machine(self, world: World, handler_of: HandlerOf) -> None:
        given = event("execution-input-by-hand") | {"execution": "my-first-try"}
        create = handler_of("create_task")
        assert create(given, None) == create(given, None)
        assert len([key for key in world.table.rows if key[1] == "task"]) == 1

    def test_metadata_may_be_left_out(self, world: World, handler_of: HandlerOf) -> None:
        given = event("execution-input-by-hand") | {"execution": "e"}
        del given["metadata"]
        handler_of("create_task")(given, None)
        assert world.tasks.get("e").metadata == {}

    @pytest.mark.parametrize(
        "changes",
        [{"request": {"model": "gen4.5"}}, {"operation": "video_to_smell"}, {"metadata": {"a": 1}}, {"request": {}}],
    )
    def test_a_bad_request_stops_the_execution(
        self, changes: dict[str, Any], world: World, handler_of: HandlerOf
    ) -> None:
        with pytest.raises(Exception, match=r".+"):
            handler_of("create_task")(event("execution-input-by-hand") | {"execution": "e"} | changes, None)
        assert world.table.rows == {}

    def test_a_name_that_is_another_tasks_stops_the_execution(self, world: World, handler_of: HandlerOf) -> None:
        """Step Functions frees a name after 90 days; the old task's row is still there, and is not this request."""
        old = standing(world, accepted(world), State.SUCCEEDED)
        with pytest.raises(Exception, match=r".+"):
            handler_of("create_task")(event("execution-input-by-hand") | {"execution": old.id}, None)


class TestReadTasks:
    def request(self, name: str, task_id: str) -> dict[str, Any]:
        made = event(name)
        made["pathParameters"] = {"id": task_id}
        return made

    def test_shows_a_task_with_fresh_links(self, world: World, handler_of: HandlerOf) -> None:
        task = succeeded(world)
        finish(task.id, world, 10**6)
        answer = handler_of("read_tasks")(self.request("http-get-task", task.id), None)
        assert answer["statusCode"] == 200
        assert answer["headers"]["cache-control"] == "no-store"
        assert body_of(answer) == {
            "id": task.id,
            "createdAt": "2023-11-14T22:13:20.000Z",
            "status": "SUCCEEDED",
            "output": [f"https://archive.example/acme/2023/11/14/{task.id}/01.mp4?expires=600"],
            "cost": {"credits": 50},
        }

    def test_the_samples_ask_for_one_task(self, world: World, handler_of: HandlerOf) -> None:
        world.tasks.create(a_task(version=1), {})
        read = handler_of("read_tasks")
        assert body_of(read(event("http-get-task"), None))["id"] == TASK_ID
        assert read(event("http-delete-task"), None)["statusCode"] == 204
        assert body_of(read(event("http-get-task"), None))["status"] == "CANCELLED"
        assert read(event("http-delete-task"), None)["statusCode"] == 404

    @pytest.mark.parametrize("task_id", ["unknown", TASK_ID, "x" * 3000, " "])
    @pytest.mark.parametrize("name", ["http-get-task", "http-delete-task"])
    def test_anothers_task_and_no_task_are_the_same_404(
        self, name: str, task_id: str, world: World, handler_of: HandlerOf
    ) -> None:
        world.tasks.create(a_task(version=1, client="other"), {})
        answer = handler_of("read_tasks")(self.request(name, task_id), None)
        assert (answer["statusCode"], body_of(answer)) == (404, {"error": "Task not found"})
        assert world.tasks.get(TASK_ID).cancel_requested_at is None

    def test_shows_a_run_of_a_workflow_by_node(self, world: World, handler_of: HandlerOf) -> None:
        outputs = tuple(Output("archive", f"a/{n:02d}.png", 1, "ab", "image/png", node) for n, node in enumerate("aba"))
        run = a_task(State.SUCCEEDED, version=1, operation="workflows/w", model="workflow", outputs=outputs)
        world.tasks.create(run, {})
        request = self.request("http-get-task", TASK_ID)
        request["routeKey"] = "GET /v1/workflow_invocations/{id}"
        assert body_of(handler_of("read_tasks")(request, None)) == {
            "id": TASK_ID,
            "createdAt": "2023-11-14T22:13:20.000Z",
            "status": "SUCCEEDED",
            "output": {
                "a": [f"https://archive.example/a/{n}.png?expires=600" for n in ("00", "02")],
                "b": ["https://archive.example/a/01.png?expires=600"],
            },
        }

    def test_shows_no_other_task_as_a_run(self, world: World, handler_of: HandlerOf) -> None:
        world.tasks.create(a_task(version=1), {})
        request = self.request("http-get-task", TASK_ID)
        request["routeKey"] = "GET /v1/workflow_invocations/{id}"
        assert handler_of("read_tasks")(request, None)["statusCode"] == 404

    def test_lists_a_page(self, world: World, handler_of: HandlerOf) -> None:
        for n in range(3):
            world.tasks.create(a_task(State.SUCCEEDED, id=f"t{n}", version=1, created_at=NOW + n), {})
        world.tasks.create(a_task(id="open", version=1), {})
        read = handler_of("read_tasks")
        first = body_of(read(event("http-list-tasks"), None))
        assert [task["id"] for task in first["data"]] == ["t2", "t1"]
        assert first["hasMore"] is True
        second = event("http-list-tasks")
        second["queryStringParameters"]["cursor"] = first["nextCursor"]
        assert [task["id"] for task in body_of(read(second, None))["data"]] == ["t0"]
        assert body_of(read(second, None))["nextCursor"] is None

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"status": "DONE"}, {"cursor": "%%"}])
    def test_rejects_an_invalid_query(self, query: dict[str, str], handler_of: HandlerOf) -> None:
        request = event("http-list-tasks") | {"queryStringParameters": query}
        answer = handler_of("read_tasks")(request, None)
        assert answer["statusCode"] == 400
        [name] = query
        assert body_of(answer)["issues"][0]["path"] == [name]

    def test_deletes_a_running_task_at_runway(self, world: World, handler_of: HandlerOf) -> None:
        task = submitted(world)
        answer = handler_of("read_tasks")(self.request("http-delete-task", task.id), None)
        assert answer["statusCode"] == 204
        assert "body" not in answer
        assert world.runway.cancelled == ["up-1"]

    @pytest.mark.parametrize("name", ["http-get-task", "http-delete-task", "http-list-tasks"])
    def test_needs_the_scope(self, name: str, handler_of: HandlerOf) -> None:
        request = event(name)
        request["requestContext"]["authorizer"]["lambda"]["scopes"] = "uploads"
        assert handler_of("read_tasks")(request, None)["statusCode"] == 403


class TestAcceptUpload:
    def test_makes_a_task_of_an_object(self, world: World, handler_of: HandlerOf) -> None:
        sample = event("s3-object-created")
        about = {"tarmac-prompt-text": quote("Das Boot schaukelt – sanft"), "tarmac-duration": "10"}
        world.uploads.put(sample["detail"]["object"]["key"], PNG, "image/jpeg", about)
        sample["detail"]["object"]["etag"] = world.uploads.head(sample["detail"]["object"]["key"]).etag
        accept = handler_of("accept_upload")
        first = accept(sample, None)
        assert first["status"] == "accepted"
        assert accept(sample, None) == first | {"status": "repeated"}
        body = world.tasks.request(first["taskId"])["body"]
        assert (body["promptText"], body["duration"]) == ("Das Boot schaukelt – sanft", 10)
        assert world.tasks.get(first["taskId"]).client == "s3"

    def test_announces_an_object_that_cannot_be_one(self, world: World, handler_of: HandlerOf) -> None:
        sample = event("s3-object-created")
        world.uploads.put(sample["detail"]["object"]["key"], b"x", "image/jpeg", {"tarmac-model": "gen9"})
        assert handler_of("accept_upload")(sample, None)["status"] == "rejected"
        assert len(world.topic.published) == 1

    @pytest.mark.parametrize(
        ("key", "content", "answer"),
        [
            ("presets/p.json", b'{"operation": "image_to_video"}', {"status": "checked"}),
            ("inbox/folder/", b"", {"status": "ignored"}),
            ("inbox/a.character.png", PNG, {"status": "waiting"}),
        ],
    )
    def test_returns_what_it_has_recorded(
        self, key: str, content: bytes, answer: dict[str, str], world: World, handler_of: HandlerOf
    ) -> None:
        world.uploads.put(key, content, "binary/octet-stream")
        sample = event("s3-object-created")
        sample["detail"]["object"] |= {"key": key, "etag": world.uploads.head(key).etag}
        assert handler_of("accept_upload")(sample, None) == answer


class TestRunBatch:
    def test_takes_the_lines_of_a_file_from_its_event_to_its_tasks(self, world: World, handler_of: HandlerOf) -> None:
        sample = event("s3-batch-created")
        key = sample["detail"]["object"]["key"]
        world.uploads.put(key, (EVENTS / "batch.jsonl").read_bytes(), "text/plain")
        sample["detail"]["object"]["etag"] = world.uploads.head(key).etag
        opened = handler_of("accept_upload")(sample, None)
        assert opened == {"batchId": opened["batchId"], "status": "accepted", "lines": 3}
        [message] = world.batch_queue.sent
        run = event("sqs-batch-run")
        run["Records"][0]["body"] = message
        assert handler_of("run_batch")(run, None) == {"batchItemFailures": []}
        assert len(world.executions.started) == 3

    def test_leaves_a_message_in_the_queue_until_all_its_lines_are_accepted(
        self, world: World, handler_of: HandlerOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(name: str, execution_input: str) -> None:
            raise RuntimeError("throttled")

        self.test_takes_the_lines_of_a_file_from_its_event_to_its_tasks(world, handler_of)
        world.table.rows = {key: row for key, row in world.table.rows.items() if not key[1].startswith("chunk#")}
        monkeypatch.setattr(world.executions, "start", fail)
        run = event("sqs-batch-run")
        run["Records"][0]["body"] = world.batch_queue.sent[0]
        assert handler_of("run_batch")(run, None) == {
            "batchItemFailures": [{"itemIdentifier": run["Records"][0]["messageId"]}]
        }
        assert world.batch_queue.postponed == [(run["Records"][0]["receiptHandle"], 15)]


class TestSteps:
    def test_one_task_passes_through_all_of_them(self, world: World, handler_of: HandlerOf) -> None:
        task = accepted(world)
        given = event("execution-input-task") | {"taskId": task.id}
        after_submit = handler_of("submit_task")(given, None)
        assert after_submit == {"taskId": task.id, "outcome": "running", "waitSeconds": 12}
        world.clock.advance(12)
        world.runway.now("up-1", "RUNNING", progress=0.3)
        after_poll = handler_of("poll_task")({"taskId": task.id}, None)
        assert (after_poll["outcome"], after_poll["taskId"]) == ("running", task.id)
        world.runway.now("up-1", "FAILED", failure_code="SAFETY.INPUT.TEXT", failure="Moderated")
        assert handler_of("poll_task")({"taskId": task.id}, None)["outcome"] == "ended"
        ending = handler_of("finish_task")({"taskId": task.id}, None)
        assert (ending["ending"], ending["error"], ending["cause"]) == ("failed", "SAFETY.INPUT.TEXT", "Moderated")
        json.dumps([after_submit, after_poll, ending])

    def test_submit_does_not_retry_after_a_lost_response(self, world: World, handler_of: HandlerOf) -> None:
        task = accepted(world)
        world.runway.lose = [CreateAmbiguous("reset")]
        submit = handler_of("submit_task")
        assert [submit({"taskId": task.id}, None)["outcome"] for _ in range(2)] == ["ended", "ended"]
        assert len(world.runway.tasks) == 1

    def test_waits_are_whole_numbers(self, world: World, handler_of: HandlerOf) -> None:
        task = submitted(world)
        world.clock.advance(33.3)
        outcome = handler_of("poll_task")({"taskId": task.id}, None)
        assert type(outcome["waitSeconds"]) is int

    def test_finish_counts_an_ending(
        self, world: World, handler_of: HandlerOf, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = succeeded(world)
        ending = handler_of("finish_task")({"taskId": task.id}, None)
        assert ending["ending"] == "succeeded"
        [line] = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        metrics = json.loads(line)
        assert (metrics["TasksSucceeded"], metrics["CreditsSpent"]) == ([1.0], [50.0])
        assert metrics["ArchivedBytes"][0] > 0

    def test_a_lost_create_is_counted_under_the_name_that_its_alarm_has(
        self, world: World, handler_of: HandlerOf, capsys: pytest.CaptureFixture[str]
    ) -> None:
        alarm = Deployment.read().template["Resources"]["AmbiguousCreatesAlarm"]["Properties"]
        world.runway.lose = [CreateAmbiguous("reset")]
        task = accepted(world)
        handler_of("submit_task")({"taskId": task.id}, None)
        assert handler_of("finish_task")({"taskId": task.id}, None)["error"] == "TARMAC.AMBIGUOUS"
        [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        [about] = line["_aws"]["CloudWatchMetrics"]
        assert line[alarm["MetricName"]] == [1.0]
        assert about["Namespace"] == alarm["Namespace"]
        assert about["Dimensions"] == [[dimension["Name"] for dimension in alarm["Dimensions"]]]

    def test_finish_counts_an_ending_once(
        self, world: World, handler_of: HandlerOf, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = succeeded(world)
        for _ in range(3):
            handler_of("finish_task")({"taskId": task.id}, None)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        assert [line.get("TasksSucceeded") for line in lines] == [[1.0], None, None]
        assert [line.get("CreditsSpent") for line in lines] == [[50.0], None, None]

    def test_finish_raises_while_the_task_has_not_ended(self, world: World, handler_of: HandlerOf) -> None:
        task = submitted(world)
        finish_task = handler_of("finish_task")
        with pytest.warns(UserWarning, match="No application metrics"), pytest.raises(NotEnded):
            finish_task({"taskId": task.id}, None)

    def test_an_execution_ends_alike_when_its_last_step_is_retried(self, world: World, handler_of: HandlerOf) -> None:
        task = succeeded(world)
        finish_task = handler_of("finish_task")
        assert finish_task({"taskId": task.id}, None) == finish_task({"taskId": task.id}, None)
        assert len(world.topic.published) == 1

    def test_sweep_reports_what_it_did(self, world: World, handler_of: HandlerOf) -> None:
        task = submitted(world)
        poll(task.id, world, 1)
        world.executions.running.clear()
        world.clock.advance(10_000)
        report = handler_of("sweep")({}, None)
        assert report | {"restarted": 1} == report
        assert sum(report.values()) == 1

    def test_sweep_writes_only_metrics_that_are_not_zero(
        self, world: World, handler_of: HandlerOf, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A metric costs money for each hour in which it is written, even if it is zero."""
        task = submitted(world)
        world.executions.running.clear()
        sweep = handler_of("sweep")
        for _ in range(2):
            sweep({}, None)
            assert capsys.readouterr().out == ""
        world.clock.advance(10_000)
        for _ in range(2):
            sweep({}, None)
        [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert world.tasks.get(task.id).run == 2
        assert {name: value for name, value in line.items() if name.startswith("Swept")} == {"SweptRestarted": [1.0]}


@pytest.mark.parametrize(
    ("sample", "key"),
    [("preset.json", "presets/warm.json"), ("request.json", "inbox/one.json"), ("batch.csv", "inbox/b.csv")],
)
def test_samples_of_files_are_taken(sample: str, key: str, world: World, handler_of: HandlerOf) -> None:
    world.uploads.put(key, (EVENTS / sample).read_bytes(), "text/plain")
    sample_event = event("s3-object-created")
    sample_event["detail"]["object"] |= {"key": key, "etag": world.uploads.head(key).etag}
    assert handler_of("accept_upload")(sample_event, None)["status"] in ("checked", "accepted")


def test_every_sample_is_json_and_used_by_a_test() -> None:
    used = {
        "http-image-to-video", "http-get-task", "http-delete-task", "http-list-tasks", "s3-object-created",
        "s3-batch-created", "sqs-batch-run", "request", "preset",
        "execution-input-task", "execution-input-by-hand", "authorizer-request", "sns-notice",
    }  # fmt: skip
    assert used <= {path.stem for path in EVENTS.glob("*.json")}
    for path in EVENTS.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_no_sample_holds_a_real_key(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert "key_" not in text.replace("key_" + "0" * 128, "")
