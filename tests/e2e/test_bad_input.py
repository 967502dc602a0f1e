"""A request that cannot become a task gets a 4xx in Runway's shape with field and reason, and starts nothing."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri
from tests.fakes.samples import event

TEXT: dict[str, Any] = {"model": "gen4.5", "promptText": "A lamp", "ratio": "1280:720", "duration": 5}
IMAGE: dict[str, Any] = {
    "model": "gen4_turbo",
    "promptImage": "https://media.example.com/lamp.jpg",
    "ratio": "1280:720",
    "duration": 5,
}


@pytest.fixture
def nothing_started(api: Api, deployment: Deployment) -> Any:
    """Check at the end of a test that its client has no row and, as rows come first, no execution either."""
    before = deployment.execution_names()

    def check() -> None:
        assert deployment.rows_of(api.client) == []
        started = deployment.execution_names() - before
        rows = [deployment.table.get(f"task#{name.rsplit('-', 1)[0]}", "task") for name in started]
        rows += [deployment.table.get(f"task#{name}", "task") for name in started]
        assert api.client not in [row["client"] for row in rows if row]

    return check


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize(
    ("operation", "body", "field", "words"),
    [
        ("image_to_video", without(IMAGE, "promptImage"), "promptImage", "gen4_turbo needs an image"),
        ("image_to_video", IMAGE | {"ratio": "16:9"}, "ratio", "1280:720"),
        ("image_to_video", without(IMAGE, "ratio"), "ratio", "Required"),
        ("image_to_video", IMAGE | {"duration": 11}, "duration", "at most 10"),
        ("image_to_video", IMAGE | {"duration": 1}, "duration", "at least 2"),
        ("image_to_video", IMAGE | {"duration": "5"}, "duration", "integer"),
        ("image_to_video", IMAGE | {"duration": True}, "duration", "integer"),
        ("image_to_video", IMAGE | {"promptText": ""}, "promptText", "at least 1"),
        ("image_to_video", IMAGE | {"promptText": "🌊" * 501}, "promptText", "at most 1000 characters, has 1002"),
        ("image_to_video", IMAGE | {"seed": 4294967296}, "seed", "at most"),
        ("image_to_video", IMAGE | {"seed": -1}, "seed", "at least"),
        ("image_to_video", IMAGE | {"promptImage": "lamp.jpg"}, "promptImage", "https"),
        ("image_to_video", IMAGE | {"promptImage": "http://a.example/l.jpg"}, "promptImage", "https"),
        ("image_to_video", IMAGE | {"promptImage": "https://127.0.0.1/l.jpg"}, "promptImage", "domain"),
        ("image_to_video", IMAGE | {"promptImage": "https://2130706433/l.jpg"}, "promptImage", "domain"),
        ("image_to_video", IMAGE | {"promptImage": "https://u:p@a.example/l.jpg"}, "promptImage", "credentials"),
        ("image_to_video", IMAGE | {"promptImage": "https://a.example/" + "l" * 2048}, "promptImage", "2048"),
        ("image_to_video", IMAGE | {"promptImage": "s3://bucket/l.jpg"}, "promptImage", "s3://"),
        ("image_to_video", IMAGE | {"promptImage": "data:image/png;base64,%%%"}, "promptImage", "base64"),
        ("image_to_video", IMAGE | {"promptImage": "data:text/html;base64,PGI+"}, "promptImage", "image"),
        ("image_to_video", IMAGE | {"promptImage": data_uri(b"")}, "promptImage", "empty"),
        ("image_to_video", IMAGE | {"promptImage": 7}, "promptImage", "integer"),
        ("image_to_video", IMAGE | {"promptImage": [{"uri": "https://a.example/l.jpg"}]}, "promptImage.0.position", ""),
        ("image_to_video", IMAGE | {"model": "gen4_aleph"}, "model", "/v1/video_to_video"),
        ("text_to_video", TEXT | {"model": "gen4_turbo"}, "model", "/v1/image_to_video"),
        ("text_to_video", without(TEXT, "model"), "model", "Required"),
        ("text_to_video", TEXT | {"model": 7}, "model", ""),
        ("text_to_video", TEXT | {"model": "veo3", "duration": 5}, "duration", "8"),
        ("text_to_video", TEXT | {"metadata": {"order": 7}}, "metadata.order", "string"),
        ("text_to_video", TEXT | {"metadata": "A-17"}, "metadata", ""),
        ("text_to_video", TEXT | {"metadata": {"k" * 41: ""}}, None, ""),
        ("text_to_video", TEXT | {"metadata": {f"k{n}": "" for n in range(21)}}, "metadata", "20"),
        ("video_to_video", {"model": "gen4_aleph", "promptText": "x"}, "videoUri", "gen4_aleph needs a video"),
        ("video_to_video", {"model": "gen4_aleph", "videoUri": "https://a.example/v.mp4"}, "promptText", "Required"),
        ("character_performance", {"model": "act_two"}, "character", "Required"),
        ("character_performance", {"model": "act_two"}, "reference", "Required"),
    ],
)
def test_a_request_with_a_bad_field_is_refused_by_name(
    api: Api, nothing_started: Any, operation: str, body: dict[str, Any], field: str | None, words: str
) -> None:
    answer = api.post(operation, body)

    assert answer.status_code == 400, answer.text
    reported = answer.json()
    assert set(reported) == {"error", "issues"}
    assert reported["error"].startswith("Validation of body failed")
    for issue in reported["issues"]:
        assert set(issue) == {"code", "path", "message"}
    messages = {".".join(map(str, issue["path"])): issue["message"] for issue in reported["issues"]}
    if field is not None:
        assert field in messages, reported
        assert words in messages[field]
    nothing_started()


def test_all_problems_are_reported_at_once(api: Api) -> None:
    answer = api.post("image_to_video", {"model": "gen4_turbo", "ratio": "16:9", "duration": 99, "promptText": ""})
    fields = [issue["path"] for issue in answer.json()["issues"]]
    assert sorted(fields) == [["duration"], ["promptImage"], ["promptText"], ["ratio"]]


def wrapped(value: bytes) -> bytes:
    return b'{"model": "gen4.5", "promptText": "A lamp", "ratio": "1280:720", "duration": ' + value + b"}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \r\n\t", "empty", id="white space"),
        pytest.param(b'{"model": "gen4.5", ', "not JSON", id="broken"),
        pytest.param(b"model=gen4.5", "not JSON", id="a form"),
        pytest.param(b"\xef\xbb\xbf{}", "not JSON", id="byte order mark"),
        pytest.param(wrapped(b"5}"), "not JSON", id="one brace too many"),
        pytest.param(b"[]", "must be a JSON object", id="an array"),
        pytest.param(b"null", "must be a JSON object", id="null"),
        pytest.param(b'"gen4.5"', "must be a JSON object", id="a string"),
        pytest.param(wrapped(b"NaN"), "NaN is not a JSON number", id="NaN"),
        pytest.param(wrapped(b"-Infinity"), "-Infinity is not a JSON number", id="infinity"),
        pytest.param(wrapped(b"1e999"), "too large", id="huge exponent"),
        pytest.param(wrapped(b"9" * 5000), "5000 digits", id="5,000 digits"),
        pytest.param(wrapped(b'5, "model": "veo3"'), "twice", id="duplicate key"),
        pytest.param(wrapped(b'5, "metadata": {"a": "1", "a": "2"}'), "twice", id="duplicate key inside"),
        pytest.param(wrapped(b'5, "x": "\\ud83d"'), "lone surrogate", id="lone surrogate"),
        pytest.param(wrapped(b'5, "\\udc00": 1'), "lone surrogate", id="lone surrogate in a key"),
        pytest.param(wrapped(b"[" * 40 + b"]" * 40), "deeper than 32", id="40 deep"),
        pytest.param(wrapped(b"[" * 100_000 + b"]" * 100_000), "deeper than 32", id="100,000 deep"),
        pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deeper than 32", id="50,000 objects deep"),
        pytest.param(b"[" * 100_000, "", id="100,000 open"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
def test_a_malformed_body_is_refused_with_the_reason(
    api: Api, nothing_started: Any, content: bytes, words: str, content_type: str
) -> None:
    """Also where the gateway takes it for binary and hands it on as base64."""
    answer = api.http.post("/v1/text_to_video", content=content, headers={"content-type": content_type})

    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    assert words in answer.json()["error"]
    nothing_started()


@pytest.mark.parametrize("content", [b'{"model": "gen4.5\xff"}', '{"model": "gen4.5"}'.encode("utf-16")])
def test_a_body_that_is_not_utf_8_is_refused_with_the_reason(api: Api, nothing_started: Any, content: bytes) -> None:
    """Sent as binary: of what calls itself JSON, a gateway may replace the bytes that it cannot read."""
    headers = {"content-type": "application/octet-stream"}
    answer = api.http.post("/v1/text_to_video", content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "The body is not UTF-8"})
    nothing_started()


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ("%%% no base64 %%%", True),
        ("AAAA=AAA", True),
        (base64.b64encode(b'{"model": "\xff"}').decode(), True),
        ("\ud800", False),
        (None, False),
    ],
)
def test_an_event_that_api_gateway_never_makes_is_refused(
    deployment: Deployment, api: Api, body: str | None, encoded: bool
) -> None:
    """The sample event with a body that cannot be read."""
    request = event("http-image-to-video") | {"body": body, "isBase64Encoded": encoded}
    request["requestContext"]["authorizer"]["lambda"]["client"] = api.client
    answer = deployment.invoke("CreateTask", request)
    assert answer["statusCode"] == 400, answer
    assert '"error"' in answer["body"]
    assert deployment.rows_of(api.client) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (IMAGE | {"promptImage": "data:image/png;base64," + "A" * (5 * 1024 * 1024 + 512 * 1024)}, "at most 5767168"),
        (TEXT | {"notes": "n" * (1024 * 1024)}, "outside data URIs"),
    ],
    ids=["5.5 MiB", "1 MiB outside media"],
)
def test_a_body_too_large_is_sent_to_uploads(api: Api, nothing_started: Any, body: dict[str, Any], words: str) -> None:
    answer = api.post("image_to_video" if "promptImage" in body else "text_to_video", body)
    assert answer.status_code == 413, answer.text
    assert words in answer.json()["error"]
    assert "POST /v1/uploads" in answer.json()["error"]
    nothing_started()


def test_an_operation_that_does_not_exist_is_404_in_runways_shape(api: Api, nothing_started: Any) -> None:
    answer = api.post("text_to_gold", TEXT)
    assert (answer.status_code, answer.json()) == (404, {"error": "Unknown operation 'text_to_gold'"})
    nothing_started()


@pytest.mark.parametrize("task_id", ["6e1fe2a7-0000-4000-8000-000000000000", "nope", "task%23x", "%00", "x" * 2000])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_task_is_404(api: Api, method: str, task_id: str) -> None:
    answer = api.http.request(method, f"/v1/tasks/{task_id}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Task not found"})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=%D9%A3", "limit"),
        ("status=DONE", "status"),
        ("cursor=nonsense", "cursor"),
        ("cursor=W10%3D", "cursor"),
        ("cursor=e30%3D", "cursor"),
    ],
)
def test_an_invalid_list_query_reports_the_reason(api: Api, query: str, field: str) -> None:
    answer = api.http.get(f"/v1/tasks?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["issues"][0]["path"] == [field]


def test_an_unusable_idempotency_key_is_refused(api: Api) -> None:
    answer: httpx.Response = api.post("text_to_video", TEXT, idempotency_key="k" * 256)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]
    assert api.ids() == []
