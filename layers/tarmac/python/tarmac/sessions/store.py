"""Store of sessions, of the attempts to create them, and of the minutes that a client has used on a day.

The row of an attempt is written before the create is sent to Runway. It holds the reservation of minutes until Runway
returns the session's id, and it records a create with a lost response.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Concatenate, ParamSpec

from tarmac.clock import Clock, to_iso
from tarmac.idempotency import KEY_LIFETIME_SECONDS
from tarmac.ports import Add, ConditionFailed, Put, Row, Table, Write
from tarmac.rows import SESSION_DUE, RowFields, check_step, compare_and_set, stored_enum
from tarmac.sessions.errors import NoSuchSession
from tarmac.sessions.moves import ATTEMPT_LEASE_SECONDS, FOLLOWS, SessionMoves
from tarmac.sessions.session import Session, from_row, session_key, to_row

P = ParamSpec("P")

_MINUTES_KEPT_SECONDS = 400 * 24 * 3600.0


class AttemptState(StrEnum):
    """SENDING until Runway's response is recorded. LOST: the response was lost, so the minutes stay counted."""

    SENDING = "SENDING"
    BOUND = "BOUND"
    REFUSED = "REFUSED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One create at Runway. seconds: the reserved duration. token_id: the client token of the request.

    session_id: Runway's id of the session, once BOUND.
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
        """The day (UTC, `2026-11-20`) to which its minutes count."""
        return to_iso(self.created_at)[:10]


class SessionStore:
    """Sessions in the table. A change is a compare-and-set on the version, in one write with the client's minutes."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    @property
    def moves(self) -> SessionMoves:
        """The moves at the current time."""
        return SessionMoves(self._clock.now(), self._clock.scale)

    # Attempts

    def reserve(self, attempt: Attempt, most_seconds: int, *others: Write) -> None:
        """Write the attempt and reserve its minutes, in one transaction with `others`. Raises ConditionFailed.

        most_seconds: the client's limit for a day, including reservations.
        """
        reservation = _minutes(attempt.client, attempt.day, attempt.seconds, attempt.created_at)
        self._table.write(Put(_attempt_row(attempt)), replace(reservation, at_most=most_seconds), *others)

    def get_attempt(self, attempt_id: str) -> Attempt | None:
        """Return the attempt, None if it does not exist."""
        row = self._table.get(_attempt_pk(attempt_id), "attempt")
        return _ATTEMPT.from_row(row) if row else None

    def release(self, attempt: Attempt, *others: Write) -> None:
        """Release the minutes of a create that Runway rejected. Raises ConditionFailed if the attempt has changed."""
        refused = replace(attempt, state=AttemptState.REFUSED, version=attempt.version + 1)
        release = _minutes(attempt.client, attempt.day, -attempt.seconds, attempt.created_at)
        self._table.write(Put(_attempt_row(refused), over=attempt.version), release, *others)

    def mark_lost(self, attempt: Attempt) -> None:
        """Record that the response to a create was lost. Raises ConditionFailed if the attempt has changed."""
        lost = replace(attempt, state=AttemptState.LOST, version=attempt.version + 1)
        self._table.write(Put(_attempt_row(lost), over=attempt.version))

    def bind(self, attempt: Attempt, session: Session) -> None:
        """Write the session, which takes over the reservation. Raises ConditionFailed if the attempt is LOST."""
        bound = replace(attempt, state=AttemptState.BOUND, session_id=session.id, version=attempt.version + 1)
        try:
            self._table.write(Put(to_row(session)), Put(_attempt_row(bound), over=attempt.version))
        except ConditionFailed:
            # The conflict may be this write itself, retried by the SDK after a lost response.
            known = self.get_attempt(attempt.id)
            if known is None or known.session_id != session.id:
                raise

    # Sessions

    def get(self, session_id: str) -> Session:
        """Return the session. Raises NoSuchSession."""
        row = self._table.get(session_key(session_id), "session")
        if row is None:
            raise NoSuchSession(session_id)
        return from_row(row)

    def move(
        self,
        session_id: str,
        move: Callable[Concatenate[SessionMoves, Session, P], Session],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Session:
        """Apply one of `SessionMoves` and return the new session: `move(session_id, SessionMoves.claim, token)`.

        Raises NoSuchSession, Contended, and TransitionRefused if the row's state does not allow the move.
        """

        def attempt() -> Session:
            before = self.get(session_id)
            after = move(self.moves, before, *args, **kwargs)
            if after is before:
                return before
            check_step(FOLLOWS, before, after)
            writes: list[Write] = [Put(to_row(after), over=before.version)]
            counted = after.reserved_seconds + after.used_seconds - before.reserved_seconds - before.used_seconds
            if counted:
                writes.append(_minutes(after.client, after.minutes_day, counted, after.created_at))
            self._table.write(*writes)
            return after

        return compare_and_set(attempt, session_id)

    def used_seconds(self, client: str, day: str) -> int:
        """Return the seconds that a client has used and reserved on a day (UTC, `2026-11-20`)."""
        row = self._table.get(_minutes_pk(client), day)
        return int(row["seconds"]) if row else 0


def _minutes(client: str, day: str, seconds: int, now: float) -> Add:
    about: Row = {"clientId": client, "ttl": int(now + _MINUTES_KEPT_SECONDS)}
    return Add(_minutes_pk(client), day, "seconds", seconds, about=about)


def _minutes_pk(client: str) -> str:
    return f"session-minutes#{client}"


def _attempt_pk(attempt_id: str) -> str:
    return f"session-attempt#{attempt_id}"


_ATTEMPT = RowFields(Attempt, {"id": "attemptId", "client": "clientId"}, {"state": stored_enum(AttemptState)})


def _attempt_row(attempt: Attempt) -> Row:
    row: Row = {"pk": _attempt_pk(attempt.id), "sk": "attempt"} | _ATTEMPT.to_row(attempt)
    row["ttl"] = int(attempt.created_at + KEY_LIFETIME_SECONDS)
    if attempt.state is AttemptState.SENDING:
        row |= {"due": SESSION_DUE.shard_of(attempt.id), "nextCheckAt": attempt.created_at + ATTEMPT_LEASE_SECONDS}
    return row
