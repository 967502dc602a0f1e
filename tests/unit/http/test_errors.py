"""The table of errors: every error class of the domain has a row, or never reaches the API."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import tarmac
from tarmac.http.answers import ApiError
from tarmac.http.errors import MEANINGS, as_api_error, meaning_of
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.runway.errors import CreateRefused, CreateRejected, UpstreamRejected, UpstreamUnavailable
from tarmac.sessions.errors import StillCreating

INTERNAL = {
    # Conditions of a write, object or execution that the features handle.
    *("ports.AlreadyThere", "ports.ConditionFailed", "ports.ExecutionNameTaken", "ports.NoSuchObject"),
    "ports.Throttled",
    *("rows.TransitionRefused", "tasks.store.TaskExists", "inbox.batch_store.BatchExists"),
    *("characters.create_records.RecordConflict", "characters.owner_store.AlreadyOwned"),
    # Parts of a request, which become issues of an InvalidRequest.
    *("requests.text_fields.BadField", "requests.media.BadMedia", "requests.strict_json.BadJson"),
    *("media.inputs.InputMissing", "media.inputs.InputUnusable"),
    # Steps of state machines, the inbox, webhooks and the archive.
    *(
        "inbox.open_batch.FileRejected",
        "inbox.presets.BadPreset",
        "inbox.upload.Overwritten",
        "inbox.upload.Unacceptable",
    ),
    *("inbox.request_files.BadRow", "inbox.request_files.FileUnreadable"),
    *("media.downloads.ArchiveError", "media.downloads.ArchiveConflict", "media.downloads.DownloadCut"),
    *("media.downloads.HostRefused", "media.downloads.LinkExpired", "media.downloads.OutputUnusable"),
    *("media.public_hosts.NotPublic", "media.public_hosts.Unresolved"),
    *("outcome.NotEnded", "rows.RowNotFound", "webhooks.sender.WebhookUnanswered"),
    # The operator's own: commands and deployment.
    *("http.clients.InvalidClient", "settings.MissingSetting"),
    # Faults, which become a 500.
    *("aws.services.ServiceError", "runway.errors.RunwayError"),
}
"""Classes that no row describes, below `tarmac`."""


def _error_classes() -> Iterator[type[Exception]]:
    for module in pkgutil.walk_packages(tarmac.__path__, "tarmac."):
        for found in vars(import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, Exception) and found.__module__ == module.name:
                yield found


CLASSES = {f"{kind.__module__}.{kind.__qualname__}".removeprefix("tarmac."): kind for kind in _error_classes()}


def test_every_error_class_has_a_row_or_is_internal() -> None:
    described = {meaning.error for meaning in MEANINGS}
    edge = {"http.answers.ApiError"}
    assert sorted(CLASSES.keys() - described - INTERNAL - edge) == []
    assert sorted((described | INTERNAL) - CLASSES.keys()) == []
    assert sorted(described & INTERNAL) == []


def test_an_error_of_a_class_without_a_row_has_no_meaning() -> None:
    for name in INTERNAL:
        assert meaning_of(CLASSES[name].__new__(CLASSES[name])) is None, name


def test_each_class_has_one_row_for_a_status() -> None:
    rows = [(meaning.error, status) for meaning in MEANINGS for status in meaning.when or (None,)]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("error", "status", "should_retry", "retry_after"),
    [
        (CreateRefused("x", status=401), 502, "false", None),
        (CreateRefused("x", status=429, retry_after_seconds=7), 429, "true", "7"),
        (CreateRefused("x", status=429), 429, "true", None),
        (CreateRefused("x", status=409, retry_after_seconds=2), 409, None, "2"),
        (CreateRefused("x", status=503), 503, "true", "5"),
        (CreateRefused("x", retry_after_seconds=300), 503, "true", "60"),
        (CreateRejected("x", status=404), 404, None, None),
        (UpstreamUnavailable("x", status=403, retry_after_seconds=9), 502, "false", None),
        (UpstreamUnavailable("x", status=502), 503, "true", "5"),
        (StillCreating("x"), 409, "true", "1"),
    ],
)
def test_a_row_for_a_status_wins_and_sets_the_headers(
    error: Exception, status: int, should_retry: str | None, retry_after: str | None
) -> None:
    found = as_api_error(error)
    assert found is not None
    headers = (found.headers.get("x-should-retry"), found.headers.get("retry-after"))
    assert (found.status, *headers) == (status, should_retry, retry_after)


def test_a_subclass_has_the_meaning_of_its_nearest_base() -> None:
    class Special(CreateRejected):
        pass

    found = as_api_error(Special("no", status=418))
    assert found is not None
    assert (found.status, found.message) == (418, "no")


def test_braces_in_a_message_are_text() -> None:
    found = as_api_error(
        UpstreamRejected("{error.args} {0} {", issues=[{"code": "custom", "path": ["a"], "message": "b"}])
    )
    assert found is not None
    assert (found.message, found.issues) == ("{error.args} {0} {", [Issue("custom", ("a",), "b")])


def test_an_error_of_the_edge_is_itself() -> None:
    error = ApiError(418, "short and stout")
    assert as_api_error(error) is error


def test_an_invalid_request_names_its_first_issue() -> None:
    found = as_api_error(InvalidRequest([Issue("custom", ("a", 0), "bad"), Issue("custom", ("b",), "worse")]))
    assert found is not None
    assert (found.message, len(found.issues)) == ("Validation of body failed: a.0: bad", 2)
