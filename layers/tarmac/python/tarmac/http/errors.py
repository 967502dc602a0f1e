"""The table of errors: what each error of the domain means over HTTP.

Classes are named, not imported, so that a function loads only the features that it uses. A test holds the table
against the classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tarmac.http.answers import ApiError
from tarmac.requests.validation import Issue


class Meaning(NamedTuple):
    """One row: the response to errors of a class.

    error: the class, by its name below `tarmac`. when: only errors whose `status` is one of these. status: None where
    it is the error's own `status`. message: formatted with `error`. retry_after: seconds; None where it is the error's
    own `retry_after_seconds`, if it has one and may be retried.
    """

    error: str
    status: int | None
    message: str = "{error}"
    should_retry: bool | None = None
    retry_after: float | None = None
    when: tuple[int, ...] = ()


_KEY_REJECTED = (
    "Runway rejects the API key of this deployment (HTTP {error.status}). The operator must store a valid key"
)
_MAY_HAVE_SUCCEEDED = "The response to the first attempt was lost; check whether it succeeded before retrying"

MEANINGS = (
    # Requests.
    Meaning("requests.validation.InvalidRequest", 400, "Validation of body failed: {error.issues[0]}"),
    Meaning("catalogue.UnknownOperation", 404, "Unknown operation '{error}'"),
    Meaning("runway.flavors.NotOffered", 404),
    Meaning("idempotency.KeyReused", 422, "This Idempotency-Key was used before with another body", False),
    Meaning("rows.Contended", 503, "Conflicting updates; retry", True),
    Meaning("ports.WriteConflict", 503, "Conflicting updates; retry", True),
    # Tasks.
    Meaning("tasks.store.NoSuchTask", 404, "Task not found"),
    # Avatars, documents, voices and conversations.
    Meaning("characters.ownership.NoSuchItem", 404),
    Meaning("characters.ownership.SharedItem", 403),
    Meaning(
        "characters.ownership.NotRecorded", 502, "{error}. The operator can assign it: tarmac avatars adopt", False
    ),
    Meaning("characters.idempotency.CreateInProgress", 409, "The first attempt of this create is in progress", True, 3),
    Meaning("characters.idempotency.CreateResponseLost", 502, _MAY_HAVE_SUCCEEDED, False),
    # Live sessions.
    Meaning("sessions.errors.NoSuchSession", 404, "Session not found"),
    Meaning("sessions.errors.SessionEnded", 502, should_retry=False),
    Meaning("sessions.errors.SessionTimedOut", 504, should_retry=False),
    Meaning("sessions.errors.CredentialsSpent", 409, should_retry=False),
    Meaning("sessions.errors.CredentialsLost", 410, should_retry=False),
    Meaning("sessions.errors.MinutesUsedUp", 429, should_retry=False),
    Meaning("sessions.errors.StillCreating", 409, should_retry=True, retry_after=1),
    Meaning("sessions.errors.TokenSpent", 403),
    Meaning("sessions.errors.WrongAvatar", 403),
    Meaning("sessions.errors.BadSessionKey", 401),
    Meaning("sessions.client_tokens.BadToken", 401),
    # Runway.
    Meaning("runway.errors.CreateRefused", 502, _KEY_REJECTED, False, when=(401,)),
    Meaning("runway.errors.CreateRefused", 429, should_retry=True, when=(429,)),
    # Runway is still processing an avatar; its SDKs decide by the status.
    Meaning("runway.errors.CreateRefused", 409, when=(409,)),
    Meaning("runway.errors.CreateRefused", 503, should_retry=True),
    Meaning("runway.errors.CreateRejected", None),
    Meaning("runway.errors.CreateAmbiguous", 502, "{error}. Check whether it succeeded before retrying", False),
    Meaning("runway.errors.UpstreamRejected", 400),
    Meaning("runway.errors.UpstreamUnavailable", 502, _KEY_REJECTED, False, when=(401, 403)),
    Meaning("runway.errors.UpstreamUnavailable", 503, should_retry=True),
    Meaning("runway.errors.UpstreamGone", 502, "The upstream of this deployment does not offer this call", False),
    Meaning("runway.errors.KeyUnavailable", 503, "Runway is unavailable: {error}", True),
)


def meaning_of(error: Exception) -> Meaning | None:
    """Return the row of the error's class or of its nearest base, rows with `when` first; None for no row."""
    for kind in type(error).__mro__:
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("tarmac.")
        found = [
            meaning
            for meaning in MEANINGS
            if meaning.error == name and (not meaning.when or getattr(error, "status", None) in meaning.when)
        ]
        if found:
            return max(found, key=lambda meaning: bool(meaning.when))
    return None


def as_api_error(error: Exception) -> ApiError | None:
    """Return the error as a response; None for one that no row describes."""
    if isinstance(error, ApiError):
        return error
    meaning = meaning_of(error)
    if meaning is None:
        return None
    status = int(getattr(error, "status", 500)) if meaning.status is None else meaning.status
    wait = meaning.retry_after
    if wait is None and meaning.should_retry is not False:
        wait = getattr(error, "retry_after_seconds", None)
    return ApiError(
        status,
        meaning.message.format(error=error),
        [_issue(issue) for issue in getattr(error, "issues", ())],
        should_retry=meaning.should_retry,
        retry_after_seconds=wait,
    )


def _issue(value: Any) -> Issue:
    return value if isinstance(value, Issue) else Issue.from_json(value)
