"""Session rows, the attempts to create one, and the minutes of live sessions that a client has used on a day.

An attempt is the row that stands before Runway is asked: it holds the reservation of the minutes until Runway has given
the session its name, and tells of a create whose answer nobody got.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from tarmac.clock import from_iso, to_iso
from tarmac.ports import Add, ConditionFailed, Put, Row, Table, Write
from tarmac.rows import Contended
from tarmac.sessions.moves import ATTEMPT_LEASE_SECONDS, check_step
from tarmac.sessions.session import DUE_SHARDS, NoSuchSession, Session, due_shard, from_row, session_key, to_row

_WRITE_TRIES = 8
_KEPT_SECONDS = 30 * 24 * 3600.0
_MINUTES_KEPT_SECONDS = 400 * 24 * 3600.0


class AttemptState(StrEnum):
    """SENDING until it is known what Runway said. LOST: nobody knows, so its minutes stay counted."""

    SENDING = "SENDING"
    BOUND = "BOUND"
    REFUSED = "REFUSED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One create. day: the one (UTC) whose minutes it counts among. token_id: of the client token it was made
    with. session_id: Runway's, once BOUND.
    """

    id: str
    client: str
    seconds: int
    created_at: float
    state: AttemptState = AttemptState.SENDING
    token_id: str | None = None
    session_id: str | None = None
    version: int = 1

    @property
    def day(self) -> str:
        return to_iso(self.created_at)[:10]


@dataclass(frozen=True, slots=True)
class Due:
    """What the sweeper has to look at."""

    sessions: list[str]
    attempts: list[str]


class SessionStore:
    """Every change of a session is a compare-and-set on its version; the client's minutes follow in the same write."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # Attempts

    def attempt(self, attempt: Attempt, most_seconds: int, *others: Write) -> None:
        """Reserve the minutes and put the attempt, together with `others`. Raises ConditionFailed.

        most_seconds: what the client may use up on a day, reservations included.
        """
        reservation = _minutes(attempt.client, attempt.day, attempt.seconds, attempt.created_at)
        self._table.write(Put(_attempt_row(attempt)), replace(reservation, at_most=most_seconds), *others)

    def get_attempt(self, attempt_id: str) -> Attempt | None:
        row = self._table.get(_attempt_pk(attempt_id), "attempt")
        return _attempt(row) if row else None

    def give_back(self, attempt: Attempt, *others: Write) -> None:
        """Runway took nothing: the reservation is released. Raises ConditionFailed where somebody else has decided."""
        refused = replace(attempt, state=AttemptState.REFUSED, version=attempt.version + 1)
        release = _minutes(attempt.client, attempt.day, -attempt.seconds, attempt.created_at)
        self._table.write(Put(_attempt_row(refused), over=attempt.version), release, *others)

    def lose(self, attempt: Attempt) -> None:
        """Nobody knows whether Runway took it. Raises ConditionFailed where somebody else has decided."""
        lost = replace(attempt, state=AttemptState.LOST, version=attempt.version + 1)
        self._table.write(Put(_attempt_row(lost), over=attempt.version))

    def bind(self, attempt: Attempt, session: Session) -> None:
        """The session takes over what the attempt has reserved. Raises ConditionFailed where it was given up."""
        bound = replace(attempt, state=AttemptState.BOUND, session_id=session.id, version=attempt.version + 1)
        try:
            self._table.write(Put(to_row(session)), Put(_attempt_row(bound), over=attempt.version))
        except ConditionFailed:
            # Perhaps our own write, repeated by the SDK because its answer was lost.
            known = self.get_attempt(attempt.id)
            if known is None or known.session_id != session.id:
                raise

    # Sessions

    def get(self, session_id: str) -> Session:
        """Raises NoSuchSession."""
        row = self._table.get(session_key(session_id), "session")
        if row is None:
            raise NoSuchSession(session_id)
        return from_row(row)

    def change(self, session_id: str, move: Callable[[Session], Session]) -> Session:
        """Read, move, write over the version read; on a conflict start again from the newer row.

        `move` may raise (TransitionRefused) to leave the row alone, or return its argument unchanged.
        """
        for _ in range(_WRITE_TRIES):
            before = self.get(session_id)
            after = move(before)
            if after is before:
                return before
            check_step(before, after)
            writes: list[Write] = [Put(to_row(after), over=before.version)]
            counted = after.reserved_seconds + after.used_seconds - before.reserved_seconds - before.used_seconds
            if counted:
                writes.append(_minutes(after.client, after.minutes_day, counted, after.created_at))
            try:
                self._table.write(*writes)
            except ConditionFailed:
                continue
            return after
        raise Contended(session_id)

    def used_seconds(self, client: str, day: str) -> int:
        """What a client has used and reserved on a day (UTC, `2026-11-20`)."""
        row = self._table.get(_minutes_pk(client), day)
        return int(row["seconds"]) if row else 0

    def due(self, now: float) -> Due:
        """What should have moved by now."""
        due = Due([], [])
        for shard in range(DUE_SHARDS):
            for row in self._table.query("due", f"session-due#{shard}", up_to=now).rows:
                kind, _, name = row["pk"].partition("#")
                (due.sessions if kind == "session" else due.attempts).append(name)
        return due


def _minutes(client: str, day: str, seconds: int, now: float) -> Add:
    about: Row = {"clientId": client, "ttl": int(now + _MINUTES_KEPT_SECONDS)}
    return Add(_minutes_pk(client), day, "seconds", seconds, about=about)


def _minutes_pk(client: str) -> str:
    return f"session-minutes#{client}"


def _attempt_pk(attempt_id: str) -> str:
    return f"session-attempt#{attempt_id}"


def _attempt_row(attempt: Attempt) -> Row:
    row: Row = {
        "pk": _attempt_pk(attempt.id),
        "sk": "attempt",
        "version": attempt.version,
        "attemptId": attempt.id,
        "clientId": attempt.client,
        "seconds": attempt.seconds,
        "state": attempt.state.value,
        "createdAt": to_iso(attempt.created_at),
        "ttl": int(attempt.created_at + _KEPT_SECONDS),
    }
    if attempt.token_id is not None:
        row["tokenId"] = attempt.token_id
    if attempt.session_id is not None:
        row["sessionId"] = attempt.session_id
    if attempt.state is AttemptState.SENDING:
        row |= {"due": due_shard(attempt.id), "nextCheckAt": attempt.created_at + ATTEMPT_LEASE_SECONDS}
    return row


def _attempt(row: Row) -> Attempt:
    return Attempt(
        row["attemptId"],
        row["clientId"],
        row["seconds"],
        from_iso(row["createdAt"]),
        AttemptState(row["state"]),
        row.get("tokenId"),
        row.get("sessionId"),
        row["version"],
    )
