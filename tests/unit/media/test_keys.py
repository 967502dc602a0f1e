"""Derived names: the same cause, the same name; another cause, another name."""

from __future__ import annotations

import re
import uuid
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox.keys import (
    batch_id_of,
    batch_key,
    failed_key,
    preset_key,
    report_key,
    task_id_of_line,
    task_id_of_object,
    task_id_of_pair,
)
from tarmac.media.keys import (
    archive_key,
    input_key,
    is_upload_uri,
    own_output,
    s3_uri,
    upload_key,
    upload_token,
    upload_uri,
)
from tarmac.media.source_metadata import source_metadata

parts = st.text(max_size=40).filter(lambda text: "\0" not in text and text.isprintable())


def test_an_archive_key_holds_client_day_task_and_number() -> None:
    key = archive_key("acme", 1_700_000_000.0, "0b7c1de2-7a3f-4a51-9d63-0c5a8b1f2e47", 1, "mp4")
    assert key == "acme/2023/11/14/0b7c1de2-7a3f-4a51-9d63-0c5a8b1f2e47/01.mp4"


@pytest.mark.parametrize(("at", "day"), [(1_704_067_199.999, "2023/12/31"), (1_704_067_200.0, "2024/01/01")])
def test_the_day_is_that_of_acceptance_in_utc(at: float, day: str) -> None:
    assert archive_key("a", at, "t", 1, "mp4") == f"a/{day}/t/01.mp4"


@given(st.integers(0, 4_000_000_000), st.integers(1, 120), st.sampled_from(["mp4", "png", "zip"]))
def test_archive_keys_have_one_form(at: int, number: int, extension: str) -> None:
    key = archive_key("acme", float(at), "task", number, extension)
    assert re.fullmatch(rf"acme/\d{{4}}/\d\d/\d\d/task/\d{{2,3}}\.{extension}", key)
    assert int(key.rpartition("/")[2].partition(".")[0]) == number


def test_outputs_of_a_task_sort_by_their_number() -> None:
    keys = [archive_key("a", 0.0, "t", number, "png") for number in range(1, 31)]
    assert keys == sorted(keys)


def test_an_inline_input_waits_under_its_task() -> None:
    assert input_key("task", 3, "png") == "inputs/task/03.png"


@given(parts, parts, parts)
def test_an_object_version_has_one_task_id_of_runways_form(bucket: str, key: str, version: str) -> None:
    task_id = task_id_of_object(bucket, key, version)
    assert task_id == task_id_of_object(bucket, key, version)
    assert uuid.UUID(task_id).version == 4
    assert uuid.UUID(task_id).variant == uuid.RFC_4122
    assert task_id == str(uuid.UUID(task_id))


@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts))
def test_other_objects_and_versions_have_other_ids(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (task_id_of_object(*one) == task_id_of_object(*other)) == (one == other)


def test_the_task_id_of_an_object_never_changes() -> None:
    """A duplicate event after a deployment finds the task of the first event."""
    assert task_id_of_object("uploads", "inbox/harbour.png", "version-1") == "d758c74c-e7a7-472f-9c8b-f68c4fd66d6f"


def test_ids_of_pairs_lines_and_batches_never_change() -> None:
    assert task_id_of_pair("uploads", ("a.png", "v1"), ("b.mp4", "v2")) == "09331d0a-8a4f-403f-8d1b-660b6ef79256"
    assert task_id_of_line("batch", 7) == "14e32121-a6e2-4e50-965f-0788892069ce"
    assert batch_id_of("s3", "ab", "n", "jsonl", "p") == "99436c81-813b-486f-a120-52ed78e52c41"


def test_the_files_of_a_batch_are_stored_under_its_id() -> None:
    assert batch_key("b", "plan.json") == "batches/b/plan.json"
    assert report_key("acme", 1_700_000_000.0, "b") == "acme/2023/11/14/batches/b/report.json"
    assert preset_key("cinema") == "presets/cinema.json"


@pytest.mark.parametrize(("letter", "length"), [("a", 1012), ("a", 1013), ("é", 506), ("é", 507), ("🎬", 256)])
def test_a_report_on_an_object_has_a_key_that_s3_takes(letter: str, length: int) -> None:
    key = letter * length
    found = failed_key(key)
    assert len(found.encode()) <= 1024
    if len(key.encode()) <= 1024 - len("failed/.json"):
        assert found == f"failed/{key}.json"
    else:
        assert re.fullmatch(r"failed/(.)\1+-[0-9a-f]{64}\.json", found)
        assert found[7] == letter
        assert found != failed_key(key + letter)


OBJECT = {"kind": "s3", "bucket": "uploads", "key": "inbox/a b.png"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "api"}, {}),
        (OBJECT, {"tarmac-source": "s3://uploads/inbox/a%20b.png"}),
        (OBJECT | {"versionId": "v1"}, {"tarmac-source": "s3://uploads/inbox/a%20b.png?versionId=v1"}),
        (
            OBJECT | {"reference": "inbox/b.mp4", "referenceVersionId": "v2"},
            {
                "tarmac-source": "s3://uploads/inbox/a%20b.png",
                "tarmac-reference": "s3://uploads/inbox/b.mp4?versionId=v2",
            },
        ),
        (
            OBJECT | {"kind": "batch", "batch": "b", "line": 7},
            {"tarmac-source": "s3://uploads/inbox/a%20b.png", "tarmac-batch": "b", "tarmac-line": "7"},
        ),
        (OBJECT | {"key": "a" * 1687}, {"tarmac-source": "s3://uploads/" + "a" * 1687}),
        (OBJECT | {"key": "a" * 1688}, {}),
    ],
)
def test_an_output_names_the_object_that_it_came_from(source: dict[str, str | int], words: dict[str, str]) -> None:
    assert source_metadata(source) == words


TOKEN = "A-z_0" * 5


def test_an_upload_is_named_by_its_token() -> None:
    assert upload_uri(TOKEN) == f"runway://tarmac/{TOKEN}"
    assert upload_token(upload_uri(TOKEN)) == TOKEN
    assert upload_key(TOKEN, "mp4") == f"uploads/{TOKEN}.mp4"


@pytest.mark.parametrize(
    ("uri", "is_ours"),
    [
        ("runway://tarmac/", True),
        ("runway://tarmac/short", True),
        (f"runway://tarmac/{'a' * 65}", True),
        (f"runway://tarmac/{TOKEN}/more", True),
        ("runway://another-upload", False),
        (f"RUNWAY://TARMAC/{TOKEN}", False),
        (f"https://tarmac/{TOKEN}", False),
    ],
)
def test_a_malformed_upload_uri_has_no_token(uri: str, is_ours: bool) -> None:
    assert is_upload_uri(uri) is is_ours
    assert upload_token(uri) is None


def test_parts_with_the_same_concatenation_have_different_ids() -> None:
    assert task_id_of_object("a", "bc", "d") != task_id_of_object("ab", "c", "d")


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_an_object_link_leads_back_to_its_key(key: str) -> None:
    link = urlsplit(s3_uri("uploads", key))
    assert (link.scheme, link.netloc, link.query, link.fragment) == ("s3", "uploads", "", "")
    assert unquote(link.path[1:]) == key


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("s3://archive/acme/a%20b.png", "acme/a b.png"),
        ("https://archive.s3.eu-central-1.amazonaws.com/acme/a%20b.png?X-Amz-Signature=x", "acme/a b.png"),
        ("https://archive.s3.cn-north-1.amazonaws.com.cn/acme/a.png", "acme/a.png"),
        ("http://127.0.0.1:4566/archive/acme/a.png?x=y", "acme/a.png"),
        ("http://localhost:4566/archive/acme/a.png", "acme/a.png"),
        ("s3://archive/other/a.png", None),
        ("s3://archive/acme-2/a.png", None),
        ("s3://archives/acme/a.png", None),
        ("https://archive.s3.example.com/acme/a.png", None),
        ("https://archive.example.com/acme/a.png", None),
        ("https://example.com/archive/acme/a.png", None),
        ("https://example.com/?archive.s3.eu-central-1.amazonaws.com/acme/a.png", None),
        ("http://archive.s3.eu-central-1.amazonaws.com/acme/a.png", None),
        ("http://10.0.0.1/archive/acme/a.png", None),
        ("http://127.0.0.1/acme/a.png", None),
        ("https://[archive.s3/acme/a.png", None),
        ("acme/a.png", None),
        ("", None),
    ],
)
def test_an_own_output_is_known_by_its_bucket_and_its_client(link: str, key: str | None) -> None:
    assert own_output(link, "archive", "acme") == key
