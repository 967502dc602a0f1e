"""POST /v1/uploads: Runway's own upload protocol, onto our bucket; and s3:// links into buckets that are allowed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from runwayml import APIStatusError, BadRequestError, DefaultHttpxClient, RunwayML

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import picture
from tests.e2e.requests import image_to_video, mark_of, marker, prompt
from tests.e2e.shared import INPUT_BUCKET
from tests.e2e.simulator import Simulator

LARGEST = 200 * 1024 * 1024


@pytest.fixture
def runway(api: Api) -> Iterator[RunwayML]:
    """Without retries: a refused request would be refused again."""
    http = DefaultHttpxClient(trust_env=False)
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http, max_retries=0) as client:
        yield client


def slot(api: Api, filename: str = "a.jpg") -> dict[str, object]:
    answer = api.http.post("/v1/uploads", json={"filename": filename, "type": "ephemeral"})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def send(to: dict[str, object], content: bytes, *, drop: str = "", **changed: str) -> httpx.Response:
    """Post a file as a browser does, without a key."""
    fields = {name: value for name, value in dict(to["fields"]).items() if name != drop} | changed  # type: ignore[call-overload]
    with httpx.Client(trust_env=False, timeout=60) as browser:
        return browser.post(str(to["uploadUrl"]), data=fields, files={"file": ("a.jpg", content, "image/jpeg")})


@pytest.mark.parametrize("metadata", [None, "a note, and more"])
def test_the_sdk_uploads_and_creates(
    metadata: str | None, api: Api, runway: RunwayML, deployment: Deployment, simulator: Simulator
) -> None:
    more = {} if metadata is None else {"file_metadata": metadata}
    upload = runway.uploads.create_ephemeral(file=("lake.jpg", picture()), **more)  # type: ignore[arg-type]
    assert upload.uri.startswith("runway://tarmac/")
    text = prompt()
    created = runway.image_to_video.create(
        model="gen4_turbo", prompt_image=upload.uri, prompt_text=text, ratio="1280:720", duration=2
    )
    assert api.ended(created.id)["status"] == "SUCCEEDED"
    [create] = simulator.creates(mark_of({"promptText": text}))
    sent = simulator.body_text(create["id"])
    assert "runway://" in sent
    assert "tarmac" not in sent
    key = f"uploads/{upload.uri.rpartition('/')[2]}.jpg"
    stored = deployment.clients.s3.get_object(Bucket=deployment.info.upload_bucket, Key=key)
    assert (stored["Body"].read(), stored["ContentType"]) == (picture(), "image/jpeg")


def test_an_upload_starts_nothing_by_itself(api: Api, deployment: Deployment) -> None:
    """Only inbox/ does."""
    to = slot(api)
    assert send(to, picture()).status_code == 204
    key = str(dict(to["fields"])["key"])  # type: ignore[call-overload]
    marked = image_to_video()
    task = api.ended(api.create("image_to_video", marked))
    assert task["status"] == "SUCCEEDED"
    assert [row for row in deployment.rows_of("s3") if row.source.get("key") == key] == []


def test_the_form_accepts_only_the_file_of_its_slot(api: Api) -> None:
    to = slot(api)
    assert send(to, picture(), key="inbox/a.jpg").status_code == 403
    assert send(to, picture(), **{"Content-Type": "text/html"}).status_code == 403
    assert send(to, picture(), acl="public-read").status_code == 403
    assert send(to, b"x" * 511).status_code == 400
    assert send(to, b"x" * 512).status_code == 204


def test_the_sdk_reports_what_storage_refuses(runway: RunwayML) -> None:
    with pytest.raises(APIStatusError) as refused:
        runway.uploads.create_ephemeral(file=("small.png", b"x" * 100))
    assert refused.value.status_code == 400


def test_a_file_type_that_runway_does_not_read_gets_no_slot(runway: RunwayML) -> None:
    with pytest.raises(BadRequestError) as refused:
        runway.uploads.create_ephemeral(file=("moving.gif", b"GIF89a" + bytes(1000)))
    assert "filename" in str(refused.value)


def test_a_create_reports_what_is_wrong_with_an_upload(api: Api, deployment: Deployment) -> None:
    def refusal(of: Api, uri: object) -> tuple[object, str]:
        answer = of.post("image_to_video", image_to_video(promptImage=uri))
        assert answer.status_code == 400, answer.text
        [issue] = answer.json()["issues"]
        return issue["path"], issue["message"]

    empty = slot(api)
    assert refusal(api, empty["uri"]) == (["promptImage"], refusal(api, empty["uri"])[1])
    assert "no file was uploaded" in refusal(api, empty["uri"])[1]

    gif = slot(api)
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "GIF")
    assert send(gif, buffer.getvalue()).status_code == 204
    assert "GIF" in refusal(api, gif["uri"])[1]

    good = slot(api)
    assert send(good, picture()).status_code == 204
    with Api.of_new_client(deployment) as other:
        assert "upload not found" in refusal(other, good["uri"])[1]
    assert "upload not found" in refusal(api, "runway://tarmac/" + "A" * 43)[1]
    assert deployment.rows_of(api.client) == []


def test_a_key_needs_the_scope(deployment: Deployment) -> None:
    with Api.of_new_client(deployment, scopes=("tasks",)) as api:
        answer = api.http.post("/v1/uploads", json={"filename": "a.jpg", "type": "ephemeral"})
        assert (answer.status_code, answer.json()) == (
            403,
            {"error": "The client key lacks the required scope uploads"},
        )


def test_objects_of_allowed_buckets_are_inputs(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    s3 = deployment.clients.s3
    s3.create_bucket(Bucket=INPUT_BUCKET)
    key = f"{marker()}/Café + Boot (1).jpg"
    s3.put_object(Bucket=INPUT_BUCKET, Key=key, Body=picture())
    path = key.replace(" ", "%20").replace("é", "%C3%A9").replace("+", "%2B")

    body = image_to_video(promptImage=f"s3://{INPUT_BUCKET}/{path}")
    assert api.ended(api.create("image_to_video", body))["status"] == "SUCCEEDED"
    [create] = simulator.creates(mark_of(body))
    assert "s3://" not in simulator.body_text(create["id"])

    missing = image_to_video(promptImage=f"s3://{INPUT_BUCKET}/nothing.jpg")
    task = api.ended(api.create("image_to_video", missing))
    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.INPUT_MISSING")
    assert simulator.creates(mark_of(missing)) == []

    s3.put_object(Bucket=INPUT_BUCKET, Key="text.jpg", Body=b"no picture at all")
    wrong = image_to_video(promptImage=f"s3://{INPUT_BUCKET}/text.jpg")
    task = api.ended(api.create("image_to_video", wrong))
    assert (task["status"], task["failureCode"]) == ("FAILED", "ASSET.INVALID")
    assert simulator.creates(mark_of(wrong)) == []


def test_other_buckets_and_tarmacs_own_are_rejected_as_inputs(api: Api, deployment: Deployment) -> None:
    for link in (
        f"s3://{deployment.info.archive_bucket}/a.jpg",
        f"s3://{deployment.info.upload_bucket}/inputs/a.jpg",
        f"s3://{deployment.info.upload_bucket}/inbox/a.jpg",
    ):
        assert api.post("image_to_video", image_to_video(promptImage=link)).status_code == 400
    assert deployment.rows_of(api.client) == []
