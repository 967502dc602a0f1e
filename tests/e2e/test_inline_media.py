"""Files within the request: data URIs to 5 MiB each, within a body of 5.5 MiB, stored as objects from the create on."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tarmac.http.requests import MAX_BODY_BYTES
from tarmac.requests.media import LONGEST_DATA_URI
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import picture
from tests.e2e.requests import image_to_video


def data_uri(length: int) -> tuple[str, bytes]:
    """A data URI of exactly that many characters, and the file that it holds."""
    # Base64 grows by four characters; the parameter makes up for the rest.
    begins = f"data:image/png;abc={'d' * (length % 4 + 1)};base64,"
    content = picture("PNG").ljust((length - len(begins)) // 4 * 3, b"\0")
    made = begins + base64.b64encode(content).decode()
    assert len(made) == length
    return made, content


def send(api: Api, body: dict[str, Any], body_bytes: int | None = None) -> Any:
    """White space makes a body longer."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    return api.http.post("/v1/image_to_video", content=raw.ljust(body_bytes or 0), headers={"content-type": "a/json"})


@pytest.mark.parametrize(
    ("uri_length", "body_bytes"),
    [
        pytest.param(LONGEST_DATA_URI - 1, None, id="a byte less than 5 MiB"),
        pytest.param(LONGEST_DATA_URI, None, id="5 MiB"),
        pytest.param(LONGEST_DATA_URI, MAX_BODY_BYTES, id="5 MiB in a body of 5.5 MiB"),
    ],
)
def test_a_file_in_the_request_becomes_an_object(
    api: Api, deployment: Deployment, uri_length: int, body_bytes: int | None
) -> None:
    uri, content = data_uri(uri_length)
    answer = send(api, image_to_video("seconds=400", promptImage=uri), body_bytes)
    assert answer.status_code == 200, answer.text
    task_id = answer.json()["id"]
    [held] = deployment.tasks.request(task_id)["inputs"]
    assert (held["path"], held["key"]) == (["promptImage"], f"inputs/{task_id}/01.png")
    kept = deployment.clients.s3.get_object(Bucket=deployment.info.upload_bucket, Key=held["key"])
    assert (kept["Body"].read(), kept["ContentType"]) == (content, "image/png")
    api.seen(task_id, "RUNNING")
    assert api.delete(task_id) == 204


def test_a_file_that_is_a_byte_too_long_is_refused_by_name(api: Api) -> None:
    answer = send(api, image_to_video(promptImage=data_uri(LONGEST_DATA_URI + 1)[0]))
    assert answer.status_code == 400, answer.text
    [issue] = answer.json()["issues"]
    assert issue["path"] == ["promptImage"]
    assert "at most 5242880 characters" in issue["message"]
    assert "/v1/uploads" in issue["message"]
    assert api.ids() == []


def test_a_body_that_is_a_byte_too_long_is_refused_as_a_whole(api: Api) -> None:
    """Also where each of its files would do."""
    uri, _ = data_uri(LONGEST_DATA_URI // 2)
    frames = [{"uri": uri, "position": "first"}, {"uri": uri, "position": "last"}]
    answer = send(api, image_to_video(model="veo3.1_fast", duration=4, promptImage=frames), MAX_BODY_BYTES + 1)
    assert (answer.status_code, set(answer.json())) == (413, {"error"})
    assert "POST /v1/uploads" in answer.json()["error"]
    assert api.ids() == []
