"""The HTTP API: events in, Runway's responses out, one status for each error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.catalogue import UnknownOperation
from tarmac.http.answers import Answer, ApiError
from tarmac.http.handler import api_handler
from tarmac.http.requests import MAX_BODY_BYTES, MAX_PLAIN_BYTES, ApiRequest
from tarmac.idempotency import KeyReused
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.rows import Contended
from tarmac.runway.errors import KeyUnavailable
from tarmac.tasks.store import NoSuchTask
from tests.fakes.samples import Call, data_uri, event

REQUEST_ID = event("http-image-to-video")["requestContext"]["requestId"]


def response_to(error: Exception, sent: dict[str, Any]) -> dict[str, Any]:
    def serve(request: ApiRequest) -> Answer:
        raise error

    return api_handler(serve)(sent, None)


ERRORS: list[tuple[Exception, int, str]] = [
    (ApiError(418, "short and stout"), 418, "short and stout"),
    (InvalidRequest([Issue("custom", ("a", 0), "bad"), Issue("custom", ("b",), "worse")]), 400, "a.0: bad"),
    (UnknownOperation("video_to_smell"), 404, "video_to_smell"),
    (KeyReused(), 422, "another body"),
    (NoSuchTask("t"), 404, "Task not found"),
    (KeyUnavailable("no Runway key is set"), 503, "no Runway key is set"),
    (Contended("t"), 503, "retry"),
]


@pytest.mark.parametrize(("error", "status", "message"), ERRORS, ids=lambda case: type(case).__name__)
def test_each_error_of_the_domain_has_one_meaning(error: Exception, status: int, message: str, call: Call) -> None:
    answer = response_to(error, call({}))
    assert answer["statusCode"] == status
    assert message in json.loads(answer["body"])["error"]
    assert ("retry-after" in answer["headers"]) == (status == 503)


def test_issues_are_listed_in_runways_shape(call: Call) -> None:
    error = InvalidRequest([Issue("custom", ("a", 0), "bad"), Issue("too_big", ("b",), "worse")])
    body = json.loads(response_to(error, call({}))["body"])
    assert body["issues"] == [
        {"code": "custom", "path": ["a", 0], "message": "bad"},
        {"code": "too_big", "path": ["b"], "message": "worse"},
    ]


@pytest.mark.parametrize("error", [RuntimeError("Bearer key_secret"), KeyError("promptText"), RecursionError()])
def test_an_unexpected_error_shows_nothing_but_the_request_id(
    error: Exception, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    answer = response_to(error, call({}))
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"]) == {"error": f"Internal error. Request id: {REQUEST_ID}"}
    line = str([vars(record) for record in caplog.records])
    assert type(error).__name__ in line
    assert "key_secret" not in line


def test_a_response_is_compact_json_that_must_not_be_cached(call: Call) -> None:
    handler = api_handler(lambda request: Answer(200, {"id": "é", "n": [1, 2]}, {"x-more": "1"}))
    assert handler(call({}), None) == {
        "statusCode": 200,
        "headers": {
            "cache-control": "no-store",
            "x-request-id": REQUEST_ID,
            "x-more": "1",
            "content-type": "application/json",
        },
        "body": '{"id":"é","n":[1,2]}',
    }


def test_a_response_without_body_has_no_type(call: Call) -> None:
    answer = api_handler(lambda request: Answer(204))(call({}), None)
    assert answer["statusCode"] == 204
    assert "body" not in answer
    assert "content-type" not in answer["headers"]


class TestClient:
    def test_is_the_one_that_the_authorizer_has_named(self, call: Call) -> None:
        assert ApiRequest(call(scopes="account tasks")).client("tasks") == "acme"

    @pytest.mark.parametrize("scopes", ["", "account", "tasks2 task", "task s"])
    def test_is_rejected_without_the_scope(self, scopes: str, call: Call) -> None:
        with pytest.raises(ApiError) as caught:
            ApiRequest(call(scopes=scopes)).client("tasks")
        assert caught.value.status == 403

    @pytest.mark.parametrize(
        "authorizer", [{}, {"lambda": None}, {"lambda": {}}, {"lambda": {"client": "", "scopes": "tasks"}}]
    )
    def test_is_unknown_without_the_authorizers_context(self, authorizer: dict[str, Any], call: Call) -> None:
        sent = call({})
        sent["requestContext"]["authorizer"] = authorizer
        with pytest.raises(ApiError) as caught:
            ApiRequest(sent).client("tasks")
        assert caught.value.status == 401

    def test_is_unknown_on_a_route_without_authorizer(self, call: Call) -> None:
        sent = call({})
        del sent["requestContext"]["authorizer"]
        with pytest.raises(ApiError) as caught:
            ApiRequest(sent).client("tasks")
        assert caught.value.status == 401


def status_of(sent: dict[str, Any]) -> int:
    try:
        ApiRequest(sent).json_body()
    except ApiError as problem:
        return problem.status
    return 200


class TestBody:
    def test_is_read_as_text_or_as_base64(self, call: Call) -> None:
        body = {"promptText": "é 🎬"}
        assert ApiRequest(call(body)).json_body() == body
        encoded = base64.b64encode(json.dumps(body).encode()).decode()
        assert ApiRequest(call(text=encoded, base64=True)).json_body() == body

    @pytest.mark.parametrize("text", ["%%%", "AAA", "e30=\n", "é", "e30", "\ud800"])
    def test_that_is_not_base64_is_the_callers_mistake(self, text: str, call: Call) -> None:
        assert status_of(call(text=text, base64=True)) == 400

    @pytest.mark.parametrize("text", ["", " ", "[]", "{", '{"a":NaN}', '{"a":"\ud800"}', '{"a":1,"a":2}'])
    def test_that_is_not_strict_json_is_the_callers_mistake(self, text: str, call: Call) -> None:
        assert status_of(call(text=text)) == 400

    def test_may_be_absent_where_it_is_not_read(self, call: Call) -> None:
        sent = call({})
        del sent["body"]
        assert status_of(sent) == 400

    @pytest.mark.parametrize(("more", "status"), [(-1, 200), (0, 200), (1, 413)])
    def test_has_five_and_a_half_mebibytes_at_most(self, more: int, status: int, call: Call) -> None:
        empty = json.dumps({"promptImage": "data:image/png;base64,", "references": ["data:image/png;base64,"]})
        first = 5 * 1024 * 1024 - 22
        second = MAX_BODY_BYTES + more - len(empty) - first
        text = json.dumps(
            {
                "promptImage": "data:image/png;base64," + "A" * first,
                "references": ["data:image/png;base64," + "A" * second],
            }
        )
        assert len(text) == 5_767_168 + more
        assert status_of(call(text=text)) == status

    @pytest.mark.parametrize(("more", "status"), [(-1, 200), (0, 200), (1, 413)])
    def test_has_one_mebibyte_outside_its_media_at_most(self, more: int, status: int, call: Call) -> None:
        media = data_uri(b"x" * 1_500_000)
        empty = json.dumps({"promptImage": "", "promptText": ""})
        text = json.dumps({"promptImage": media, "promptText": "p" * (MAX_PLAIN_BYTES + more - len(empty))})
        assert len(text) - len(media) == 1_048_576 + more
        assert status_of(call(text=text)) == status

    @pytest.mark.parametrize("prefix", ["data:,", "data:text/plain,", "data:the rest of this prompt ", "DATA:"])
    def test_is_not_media_for_beginning_like_a_data_uri(self, prefix: str, call: Call) -> None:
        assert status_of(call({"promptText": prefix + "a" * (MAX_PLAIN_BYTES + 1)})) == 413

    def test_is_rejected_with_a_hint_at_uploads(self, call: Call) -> None:
        with pytest.raises(ApiError, match="POST /v1/uploads"):
            ApiRequest(call({"a": "x" * MAX_BODY_BYTES})).json_body()

    def test_is_measured_in_bytes_not_in_characters(self, call: Call) -> None:
        text = json.dumps({"promptText": "é" * (MAX_PLAIN_BYTES // 2)}, ensure_ascii=False)
        assert len(text) < MAX_PLAIN_BYTES
        assert status_of(call(text=text)) == 413


class TestRequestIdentity:
    def test_of_the_same_bytes_is_the_same(self, call: Call) -> None:
        one, two = (ApiRequest(call(text='{"a":1}')).request_identity("acme") for _ in range(2))
        assert one == two
        assert (one.client, one.path, one.key, one.retry) == ("acme", "/v1/image_to_video", None, 0)

    def test_of_other_bytes_is_another(self, call: Call) -> None:
        one = ApiRequest(call(text='{"a":1}')).request_identity("acme")
        assert one.body_sha256 != ApiRequest(call(text='{"a": 1}')).request_identity("acme").body_sha256

    def test_sees_through_base64(self, call: Call) -> None:
        plain = ApiRequest(call(text='{"a":1}')).request_identity("acme")
        assert plain == ApiRequest(call(text=base64.b64encode(b'{"a":1}').decode(), base64=True)).request_identity(
            "acme"
        )

    @pytest.mark.parametrize("key", ["k", "k" * 255, "ключ", "a key with spaces"])
    def test_takes_a_key_of_printable_characters(self, key: str, call: Call) -> None:
        assert ApiRequest(call({}, headers={"idempotency-key": key})).request_identity("acme").key == key

    @pytest.mark.parametrize("key", ["", "k" * 256, "a\nb", "\x7f", "\ud800"])
    def test_rejects_any_other_key(self, key: str, call: Call) -> None:
        with pytest.raises(ApiError) as caught:
            ApiRequest(call({}, headers={"idempotency-key": key})).request_identity("acme")
        assert caught.value.status == 400

    @pytest.mark.parametrize(
        ("count", "retry"),
        [("0", 0), ("1", 1), ("2", 2), ("-1", 0), ("", 0), ("x", 0), ("²", 0)],
    )
    def test_knows_an_sdks_own_retry_by_its_count(self, count: str, retry: int, call: Call) -> None:
        assert ApiRequest(call({}, headers={"x-stainless-retry-count": count})).request_identity("a").retry == retry


@given(
    st.one_of(st.none(), st.text()),
    st.booleans(),
    st.dictionaries(st.sampled_from(["idempotency-key", "x-stainless-retry-count"]), st.text()),
)
def test_no_event_makes_the_edge_fail(body: str | None, is_base64: bool, headers: dict[str, str]) -> None:
    sent = event("http-image-to-video") | {"body": body, "isBase64Encoded": is_base64}
    sent["headers"] |= headers

    def serve(request: ApiRequest) -> Answer:
        request.request_identity(request.client("tasks"))
        return Answer(200, {"fields": len(request.json_body())})

    answer = api_handler(serve)(sent, None)
    assert answer["statusCode"] in (200, 400, 413)
    json.dumps(answer)


def test_a_log_line_contains_no_field_name_of_the_caller(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary-" + "x" * 50_000
    response_to(InvalidRequest([Issue("custom", ("metadata", canary), "too long")]), call({}))
    [record] = caplog.records
    assert record.message == "request refused"
    assert len(str(vars(record))) < 2000
