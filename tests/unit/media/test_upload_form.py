"""The signed form of the S3 adapter, held against S3's own rules, as each of the SDKs fills it in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from tarmac.aws.s3 import S3Objects, s3_client
from tarmac.ports import UploadForm
from tests.unit.media.s3_forms import Fields, rejection

MIB = 1024 * 1024


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch) -> UploadForm:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    s3 = boto3.client("s3", region_name="eu-central-1", config=Config(signature_version="s3v4"))
    return S3Objects("media", s3).upload_form("uploads/t.png", "image/png", 512, 200 * MIB, 3600)


def filled_by_python(form: UploadForm, metadata: str | None) -> Fields:
    """`data = dict(fields); data["metadata"] = …`"""
    return list(({**form.fields} | ({} if metadata is None else {"metadata": metadata})).items())


def filled_by_node(form: UploadForm, metadata: str | None) -> Fields:
    """`form.append` for each field, then for the metadata."""
    return [*form.fields.items(), *([] if metadata is None else [("metadata", metadata)])]


@pytest.mark.parametrize("sdk", [filled_by_python, filled_by_node])
@pytest.mark.parametrize("metadata", [None, "", "note", "a,b", "ü" * 300])
def test_is_taken_with_and_without_metadata(
    sdk: Callable[[UploadForm, str | None], Fields], metadata: str | None, form: UploadForm
) -> None:
    assert rejection(sdk(form, metadata), 604, "media") is None


@pytest.mark.parametrize(
    ("size_bytes", "why"),
    [(0, "EntityTooSmall"), (511, "EntityTooSmall"), (512, None), (200 * MIB, None), (200 * MIB + 1, "EntityTooLarge")],
)
def test_takes_512_bytes_to_200_mib(size_bytes: int, why: str | None, form: UploadForm) -> None:
    assert rejection(list(form.fields.items()), size_bytes, "media") == why


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "inputs/t.png"},
        {"key": "inbox/t.png"},
        {"key": "uploads/t.png/../../inbox/t.png"},
        {"Content-Type": "text/html"},
        {"x-amz-meta-a": "b"},
        {"acl": "public-read"},
        {"success_action_redirect": "https://example.com/"},
    ],
)
def test_takes_nothing_else(changed: dict[str, str], form: UploadForm) -> None:
    assert rejection(list(({**form.fields} | changed).items()), 604, "media")


def test_ends_with_its_time(form: UploadForm) -> None:
    now = datetime.now(UTC)
    fields = list(form.fields.items())
    assert rejection(fields, 604, "media", now + timedelta(minutes=59)) is None
    assert rejection(fields, 604, "media", now + timedelta(minutes=61)) == "Policy expired"


def test_a_form_without_the_field_would_be_rejected(form: UploadForm) -> None:
    """This is why `metadata` is among the fields: an absent field does not meet a condition."""
    assert rejection([field for field in form.fields.items() if field[0] != "metadata"], 604, "media")


@pytest.mark.parametrize("region", ["eu-central-1", "ap-southeast-2"])
def test_forms_and_links_name_the_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """s3.amazonaws.com redirects for a new bucket elsewhere, which neither a form nor a signature survives."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    objects = S3Objects("media", s3_client.__wrapped__())
    host = f"https://media.s3.{region}.amazonaws.com/"
    assert objects.upload_form("uploads/t.png", "image/png", 1, 2, 60).url == host
    assert objects.link("a.mp4", 60).startswith(f"{host}a.mp4?")
