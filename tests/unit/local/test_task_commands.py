"""`tarmac generate`, `watch`, `tasks`, `show`, `cancel`, `upload` against a small server with prepared responses."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from local.cli import app
from local.commands.following import table_of
from tests.fakes.servers import TinyServer, answer, hang_up, raw, tiny_server

CREATED = {"id": "task-1", "estimatedCost": {"credits": 25}}
SLOT = {"uploadUrl": "", "fields": {"key": "uploads/abc.jpg", "policy": "p"}, "uri": "runway://tarmac/abc"}


def task(status: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"id": "task-1", "createdAt": "2026-11-20T12:00:00.000Z", "status": status}
    match status:
        case "SUCCEEDED":
            known |= {"output": ["https://archive.example.com/console/2026/11/20/task-1/01.mp4?sig=1"]}
        case "FAILED":
            known |= {"failure": "The prompt was refused.", "failureCode": "SAFETY.INPUT.TEXT"}
        case "RUNNING":
            known |= {"progress": 0.5}
    return known | {"cost": {"credits": 25}} | more


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyServer]:
    """The server that TARMAC_API_URL names, with a client key and without a local stack."""
    with tiny_server() as running:
        monkeypatch.setenv("TARMAC_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TARMAC_API_URL", running.url)
        monkeypatch.setenv("TARMAC_API_KEY", "key_of_tests")
        monkeypatch.delenv("TARMAC_STACK", raising=False)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        yield running


def tarmac(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def request_body(server: TinyServer, number: int = 0) -> Any:
    return server.requests[number].json()


def test_options_become_a_request(server: TinyServer) -> None:
    """With numbers where the catalogue has numbers. Standard output has only the id."""
    server.answers(answer(200, CREATED))
    made = tarmac(
        *("generate", "text_to_video", "-m", "gen4.5", "-p", "42", "--ratio", "1280:720", "--duration", "5"),
        *("--seed", "7", "--set", "contentModeration.publicFigureThreshold=low", "--metadata", "order=A=18"),
        *("--webhook-url", "https://example.com/hook"),
    )
    assert (made.exit_code, made.stdout) == (0, "task-1\n"), made.output
    assert "25 credits" in made.stderr
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/text_to_video")
    assert request.headers["authorization"] == "Bearer key_of_tests"
    assert request.json() == {
        "model": "gen4.5",
        "promptText": "42",
        "ratio": "1280:720",
        "duration": 5,
        "seed": 7,
        "contentModeration": {"publicFigureThreshold": "low"},
        "metadata": {"order": "A=18"},
        "webhookUrl": "https://example.com/hook",
    }


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_create_without_a_response_is_retried_with_the_same_idempotency_key(server: TinyServer, status: int) -> None:
    server.answers(hang_up, answer(status, {"error": "no"}), answer(200, CREATED))
    made = tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a")
    assert made.exit_code == 0, made.output
    keys = {request.headers["idempotency-key"] for request in server.requests}
    assert len(server.requests) == 3
    assert len(keys) == 1


def test_a_given_idempotency_key_is_a_header_of_the_request(server: TinyServer) -> None:
    server.answers(answer(200, CREATED))
    tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a", "--idempotency-key", "order-18")
    assert server.requests[0].headers["idempotency-key"] == "order-18"


def test_files_are_uploaded_once_and_placed_where_the_model_takes_them(server: TinyServer, tmp_path: Path) -> None:
    """The form does not contain the client key, and its fields precede the file."""
    face, acting = tmp_path / "face.png", tmp_path / "acting.mp4"
    face.write_bytes(b"a face")
    acting.write_bytes(b"acting")
    form = SLOT | {"uploadUrl": f"{server.url}/bucket"}
    server.answers(
        answer(200, form),
        answer(204),
        answer(200, form | {"uri": "runway://tarmac/def"}),
        answer(204),
        answer(200, CREATED),
    )
    made = tarmac(
        *("generate", "character_performance", "-m", "act_two", "--image", str(face), "--video", str(acting)),
        *("--set", "ratio=1280:720"),
    )
    assert made.exit_code == 0, made.output
    slot, posted, _, _, create = server.requests
    assert slot.json() == {"filename": "face.png", "type": "ephemeral"}
    assert (posted.path, "authorization" in posted.headers) == ("/bucket", False)
    assert posted.body.index(b"uploads/abc.jpg") < posted.body.index(b"a face")
    assert create.json() == {
        "model": "act_two",
        "character": {"type": "image", "uri": "runway://tarmac/abc"},
        "reference": {"type": "video", "uri": "runway://tarmac/def"},
        "ratio": "1280:720",
    }


def test_any_field_can_be_set_to_a_file(server: TinyServer, tmp_path: Path) -> None:
    """The file is uploaded once even if named twice; a URL is passed on."""
    file = tmp_path / "lake.jpg"
    file.write_bytes(b"a lake")
    server.answers(answer(200, SLOT | {"uploadUrl": f"{server.url}/bucket"}), answer(204), answer(200, CREATED))
    made = tarmac(
        *("generate", "text_to_image", "-m", "gen4_image", "-p", "a"),
        *("--set", f"referenceImages.0.uri=@{file}", "--set", f"referenceImages.1.uri=@{file}"),
        *("-i", "https://example.com/tree.jpg"),
    )
    assert made.exit_code == 0, made.output
    assert [each["uri"] for each in request_body(server, 2)["referenceImages"]] == [
        "runway://tarmac/abc",
        "runway://tarmac/abc",
        "https://example.com/tree.jpg",
    ]


def test_a_body_may_come_from_a_file_or_a_pipe(server: TinyServer, tmp_path: Path) -> None:
    server.answers(answer(200, CREATED))
    body = {"model": "gen4.5", "promptText": "a", "duration": 5}
    (tmp_path / "body.json").write_text(json.dumps(body))
    assert tarmac("generate", "text_to_video", "--body", str(tmp_path / "body.json"), "-p", "b").exit_code == 0
    assert tarmac("generate", "text_to_video", "--body", "-", typed=json.dumps(body)).exit_code == 0
    assert [request_body(server, number)["promptText"] for number in (0, 1)] == ["b", "a"]


def test_download_waits_and_stores_the_outputs(server: TinyServer, tmp_path: Path) -> None:
    done = task(output=[f"{server.url}/console/2026/11/20/task-1/01.mp4?sig=1"])
    server.answers(
        answer(200, CREATED),
        answer(200, task("PENDING")),
        answer(200, task("RUNNING")),
        answer(200, done),
        answer(200, b"mp4"),
    )
    made = tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a", "--download", str(tmp_path / "out"), "--json")
    assert made.exit_code == 0, made.output
    file = tmp_path / "out" / "task-1-01.mp4"
    assert json.loads(made.stdout) == done | {"files": [str(file)]}
    assert file.read_bytes() == b"mp4"
    assert "authorization" not in server.requests[-1].headers


def test_an_interrupted_download_leaves_no_file(server: TinyServer, tmp_path: Path) -> None:
    done = task(output=[f"{server.url}/01.mp4"])
    server.answers(answer(200, done), raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"))
    made = tarmac("show", "task-1", "--download", str(tmp_path))
    assert made.exit_code == 3
    assert list(tmp_path.glob("*.mp4*")) == []


@pytest.mark.parametrize(("status", "words"), [("FAILED", "SAFETY.INPUT.TEXT: The prompt"), ("CANCELLED", "cancelled")])
def test_a_failed_or_cancelled_task_exits_with_1(server: TinyServer, status: str, words: str) -> None:
    server.answers(answer(200, CREATED), answer(200, task(status)))
    made = tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a", "--wait")
    assert made.exit_code == 1
    assert words in made.stderr


def test_an_interruption_prints_how_to_follow_the_task(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    server.answers(answer(200, CREATED), answer(200, task("RUNNING")))
    made = tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a", "--wait")
    assert made.exit_code == 130
    assert "tarmac watch task-1" in made.stderr
    assert server.methods == ["POST", "GET"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("text_to_gold", "-p", "a"), "unknown operation text_to_gold: choose from"),
        (("text_to_video", "-m", "gen4.5", "--duration", "long"), "duration: expected a whole number"),
        (("text_to_video", "-m", "gen4.5", "-i", "https://example.com/a.jpg"), "takes no further image"),
        (("text_to_video", "-m", "unheard_of", "-i", "https://example.com/a.jpg"), "not in the catalogue"),
        (("image_to_video", "-m", "gen4.5", "-i", "nowhere.jpg"), "nowhere.jpg: file not found"),
        (("text_to_video", "--set", "promptText"), "expected NAME=VALUE"),
        (("text_to_video", "--body", "nowhere.json"), "nowhere.json"),
    ],
)
def test_an_invalid_request_exits_with_2_and_is_not_posted(
    server: TinyServer, arguments: tuple[str, ...], words: str
) -> None:
    server.answers(answer(200, CREATED))
    made = tarmac("generate", *arguments)
    assert made.exit_code == 2, made.output
    assert words in made.stderr
    assert made.stderr.startswith("error: ")
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (
            400,
            {"error": "Validation of body failed", "issues": [{"path": ["ratio"], "message": "Required"}]},
            2,
            "ratio: Required",
        ),
        (422, {"error": "This key was used for another request"}, 2, "another request"),
        (404, {"error": "There is no such task"}, 2, "no such task"),
        (401, {"message": "Unauthorized"}, 3, "the key was rejected"),
        (403, {"message": "Forbidden"}, 3, "the key was rejected"),
        (503, {"error": "No Runway key is stored"}, 4, "No Runway key is stored"),
        (500, b"<html>", 4, "failed with 500"),
        (429, {"message": "Too Many Requests"}, 4, "failed with 429"),
        (200, b"<html>", 3, "Check that this is the address of the API"),
    ],
)
def test_each_kind_of_error_has_an_exit_code_and_one_message(
    server: TinyServer, status: int, body: Any, code: int, words: str
) -> None:
    server.answers(answer(status, body))
    shown = tarmac("show", "task-1")
    assert shown.exit_code == code, shown.output
    assert words in shown.stderr
    assert "Traceback" not in shown.output
    assert shown.stdout == ""


def test_an_issue_in_the_message_is_not_printed_twice(server: TinyServer) -> None:
    """As JSON, the error is printed as the API returned it."""
    issues = [{"path": ["ratio"], "message": "Required"}, {"path": ["seed"], "message": "Too big"}]
    rejection = {"error": "Validation of body failed: ratio: Required", "issues": issues}
    server.answers(answer(400, rejection), answer(400, rejection))
    arguments = ("generate", "text_to_video", "-m", "gen4.5", "-p", "a")
    assert tarmac(*arguments).stderr == "error: Validation of body failed: ratio: Required\n  seed: Too big\n"
    made = tarmac(*arguments, "--json")
    assert (made.exit_code, made.stdout, json.loads(made.stderr)) == (2, "", rejection)


@pytest.mark.parametrize("issues", [[{"message": "Required"}], ["ratio"], 7, [{"path": 7, "message": "Required"}]])
def test_issues_of_another_shape_print_no_traceback(server: TinyServer, issues: Any) -> None:
    server.answers(answer(400, {"error": "Bad request", "issues": issues}))
    shown = tarmac("show", "task-1")
    assert (shown.exit_code, "Bad request" in shown.stderr) == (2, True)


def test_an_unresponsive_server_is_reported(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARMAC_API_URL", "http://127.0.0.1:9")
    shown = tarmac("tasks")
    assert shown.exit_code == 3
    assert re.search(r"127\.0\.0\.1:9 does not answer .*Check that the stack is up", shown.stderr)
    assert "does not answer" in json.loads(tarmac("tasks", "--json").stderr)["error"]


def test_a_missing_stack_or_key_is_reported(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARMAC_STACK", "tarmac")
    both = tarmac("tasks")
    assert (both.exit_code, "not both" in both.stderr) == (2, True)
    monkeypatch.delenv("TARMAC_STACK")
    monkeypatch.delenv("TARMAC_API_KEY")
    keyless = tarmac("tasks")
    assert (keyless.exit_code, "TARMAC_API_KEY" in keyless.stderr) == (2, True)
    monkeypatch.delenv("TARMAC_API_URL")
    nothing = tarmac("tasks")
    assert (nothing.exit_code, "make up" in nothing.stderr) == (3, True)


def test_tasks_are_listed_over_several_pages(server: TinyServer) -> None:
    first = {"data": [task(id=f"t{number}") for number in range(100)], "nextCursor": "more"}
    second = {"data": [task(id="t100"), task(id="t101")], "nextCursor": "more still"}
    server.answers(answer(200, first), answer(200, second))
    listed = tarmac("tasks", "--limit", "102", "--status", "succeeded", "--json")
    assert listed.exit_code == 0, listed.output
    assert [each["id"] for each in json.loads(listed.stdout)] == [f"t{number}" for number in range(102)]
    assert [request.path for request in server.requests] == [
        "/v1/tasks?limit=100&status=SUCCEEDED",
        "/v1/tasks?limit=2&status=SUCCEEDED&cursor=more",
    ]


def test_a_table_has_a_row_for_each_task(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [task("RUNNING", id="one", metadata={"order": "A-18"}), task("FAILED", id="two"), task(id="three")]
    server.answers(answer(200, {"data": rows, "nextCursor": None}))
    monkeypatch.setenv("COLUMNS", "160")
    listed = tarmac("tasks").stdout
    assert re.search(r"one +RUNNING .*order=A-18", listed)
    assert re.search(r"two +FAILED .*SAFETY\.INPUT\.TEXT", listed)
    assert re.search(r"three +SUCCEEDED .*25", listed)


LONG_ID = "3f2b8c1e-1111-4222-8333-123456789abc"
CROWDED = [
    task("RUNNING", id=LONG_ID, metadata={"order": "A-18"}),
    task("FAILED", id=LONG_ID, failure="Nobody may see this. " * 9),
    task("SUCCEEDED", id=LONG_ID),
]


@pytest.mark.parametrize("columns", [80, 60, 40])
def test_a_row_in_a_pipe_is_one_complete_line(
    server: TinyServer, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    server.answers(answer(200, {"data": CROWDED, "nextCursor": None}))
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = tarmac("tasks").stdout.splitlines()[-3:]
    for row, (status, words) in zip(
        rows, [("RUNNING", "order=A-18"), ("FAILED", r"(Nobody may see this\. ?){9}"), ("SUCCEEDED", "25")], strict=True
    ):
        assert re.match(rf"{LONG_ID} +{status} .* 11-20 12:00 .*{words}", row)


@pytest.mark.parametrize(("columns", "columns_left"), [(120, ["━", "25", "see"]), (80, ["see"]), (60, []), (40, [])])
def test_a_narrow_terminal_gets_fewer_but_complete_columns(columns: int, columns_left: list[str]) -> None:
    """Id, status and creation always remain."""
    console = Console(width=columns, force_terminal=True, color_system=None, file=io.StringIO())
    console.print(table_of(CROWDED, console), crop=False)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for status in ("RUNNING", "FAILED", "SUCCEEDED"):
        assert re.search(rf"^{LONG_ID} +{status} .*11-20 12:00", printed, re.MULTILINE)
    assert [word for word in ("━", "25", "see") if word in printed] == columns_left
    assert "…" not in printed
    if columns >= 60:
        assert max(map(len, printed.splitlines())) <= columns


def test_show_prints_all_known_fields(server: TinyServer) -> None:
    webhook = {"url": "https://example.com", "state": "DELIVERED", "tries": 2, "lastStatus": 204}
    server.answers(answer(200, task(metadata={"order": "A-18"}, webhook=webhook)))
    shown = tarmac("show", "task-1")
    assert shown.exit_code == 0
    for words in ("task-1", "SUCCEEDED", "25", "order=A-18", "DELIVERED after 2 attempts", task()["output"][0]):
        assert words in shown.stdout


def test_show_of_a_failed_task_exits_with_1(server: TinyServer) -> None:
    server.answers(answer(200, task("FAILED")))
    shown = tarmac("show", "task-1", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["failureCode"]) == (1, "SAFETY.INPUT.TEXT")


def test_watch_prints_each_change_without_a_terminal(server: TinyServer) -> None:
    server.answers(*(answer(200, task(status)) for status in ("PENDING", "PENDING", "RUNNING", "RUNNING", "SUCCEEDED")))
    watched = tarmac("watch", "task-1", "task-1")
    assert watched.exit_code == 0
    assert watched.stdout.splitlines() == ["task-1  PENDING", "task-1  RUNNING", "task-1  SUCCEEDED"]


def test_watch_as_json_prints_progress_too(server: TinyServer) -> None:
    polls = [
        task("RUNNING", progress=0.2),
        task("RUNNING", progress=0.2),
        task("RUNNING", progress=0.7),
        task("FAILED"),
    ]
    server.answers(*(answer(200, poll) for poll in polls))
    watched = tarmac("watch", "task-1", "--json")
    assert watched.exit_code == 1
    assert [json.loads(line) for line in watched.stdout.splitlines()] == [polls[0], polls[2], polls[3]]


def test_cancel_does_not_touch_a_task_that_has_ended(server: TinyServer) -> None:
    """A DELETE would delete that task. The other tasks are still cancelled."""
    server.answers(answer(200, task()), answer(200, task("RUNNING")), answer(204))
    cancelled = tarmac("cancel", "one", "two")
    assert cancelled.exit_code == 1
    assert cancelled.stderr == "error: the task one has ended: SUCCEEDED\n"
    assert cancelled.stdout == "two is being cancelled\n"
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/v1/tasks/one"),
        ("GET", "/v1/tasks/two"),
        ("DELETE", "/v1/tasks/two"),
    ]


def test_cancel_continues_after_a_task_that_is_not_found(server: TinyServer) -> None:
    server.answers(answer(404, {"error": "Task not found"}), answer(200, task("RUNNING")), answer(204))
    cancelled = tarmac("cancel", "one", "two", "--json")
    assert cancelled.exit_code == 1
    assert json.loads(cancelled.stderr) == {"error": "Task not found"}
    results = [json.loads(line) for line in cancelled.stdout.splitlines()]
    assert [(each["id"], each["cancelled"]) for each in results] == [("one", False), ("two", True)]


def test_an_upload_prints_its_uri(server: TinyServer, tmp_path: Path) -> None:
    file = tmp_path / "lake.jpg"
    file.write_bytes(b"a lake")
    server.answers(answer(200, SLOT | {"uploadUrl": f"{server.url}/bucket"}), answer(204))
    assert tarmac("upload", str(file)).stdout == "runway://tarmac/abc\n"


def test_an_upload_that_s3_rejects_is_reported_with_its_message(server: TinyServer, tmp_path: Path) -> None:
    file = tmp_path / "tiny.jpg"
    file.write_bytes(b"tiny")
    rejection = b"<Error><Code>EntityTooSmall</Code><Message>Your proposed upload is too small</Message></Error>"
    server.answers(answer(200, SLOT | {"uploadUrl": f"{server.url}/bucket"}), answer(400, rejection))
    uploaded = tarmac("upload", str(file), "--json")
    assert (uploaded.exit_code, uploaded.stdout) == (2, "")
    assert json.loads(uploaded.stderr) == {"error": f"{file} was rejected: Your proposed upload is too small"}
