"""Create a live session: reserve its minutes, ask Runway once, keep what it answers, have it watched."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tarmac.characters.kinds import Kind
from tarmac.characters.owners import NoSuchItem, foreign_references, own
from tarmac.effects import Effects
from tarmac.idempotency import KeyRecord, KeyReused, Repeat
from tarmac.ports import ConditionFailed, ExecutionNameTaken, Write
from tarmac.rows import Contended
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.sessions.client_tokens import ClientToken
from tarmac.sessions.requests import SessionRequest
from tarmac.sessions.session import MinutesUsedUp, Session, StillCreating, TokenSpent
from tarmac.sessions.store import Attempt, AttemptState
from tarmac.telemetry import logger

_RESERVE_TRIES = 12


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """Who wants which session. token: the client token that stands for the client. repeat: how a second send of the
    same create is known; only with an idempotency key."""

    client: str
    request: SessionRequest
    source: dict[str, str] = field(default_factory=lambda: {"kind": "api"})
    token: ClientToken | None = None
    repeat: Repeat | None = None


def create_session(order: SessionOrder, effects: Effects, most_seconds: int) -> Session:
    """The session that Runway has taken, or the one that this idempotency key has made before.

    Without such a key a repeated create makes another session; the first one is never claimed, and ends unclaimed.
    most_seconds: of the client on one day. Raises NoSuchItem, KeyReused, StillCreating, MinutesUsedUp,
    TokenSpent, CreateRefused, CreateRejected, CreateAmbiguous, Contended.
    """
    if foreign_references(dict(order.request.body), order.client, effects):
        raise NoSuchItem(Kind.AVATAR)
    attempt = _reserve(order, effects, most_seconds)
    if isinstance(attempt, Session):
        return attempt
    try:
        session_id = effects.runway_sessions.create(order.request.body)
    except (CreateRefused, CreateRejected) as refusal:
        _release(attempt, effects)
        if refusal.status == 404:
            # In the words that another client's avatar is answered with.
            raise NoSuchItem(Kind.AVATAR) from refusal
        raise
    except CreateAmbiguous:
        # Runway has no list of sessions to find it in. Its key is lost, so it cannot be entered; its minutes stay
        # counted, and `maxDuration`, which every create carries, ends it.
        with suppress(ConditionFailed):
            effects.sessions.lose(attempt)
        logger.error("the answer to a create of a session was lost", client=order.client, seconds=attempt.seconds)
        raise
    session = _keep(order, attempt, session_id, effects)
    try:
        start_watching(session, effects)
    except Exception as error:
        # The caller waits for the session; the sweeper starts the missing execution.
        logger.crash("a session is not watched yet", error, session_id=session.id)
    return session


def give_back(attempt: Attempt, effects: Effects) -> None:
    """Release the minutes and the token's use of an attempt that created nothing, unless it is decided already."""
    uses = [effects.client_tokens.unuse(attempt.token_id)] if attempt.token_id else []
    with suppress(ConditionFailed):
        effects.sessions.give_back(attempt, *uses)


def _release(attempt: Attempt, effects: Effects) -> None:
    """`give_back`, by the sweeper if it fails now: the caller gets Runway's refusal in any case."""
    try:
        give_back(attempt, effects)
    except Exception as error:
        about = {"client": attempt.client, "seconds": attempt.seconds}
        logger.crash("the minutes of a refused session are not released yet", error, **about)
        try:
            # This write concerns one row alone, so it meets no other transaction.
            effects.sessions.mark_refused(attempt)
        except ConditionFailed:
            # The release was made, and only its response was lost.
            return
        except Exception as error:
            logger.crash("a refused session will be counted as lost", error, **about)


def start_watching(session: Session, effects: Effects) -> None:
    """Start the execution of the session's current run; one of that name that exists is as good."""
    with suppress(ExecutionNameTaken):
        effects.session_executions.start(
            session.execution_name, json.dumps({"sessionId": session.id}, separators=(",", ":"))
        )


def _first_of(repeat: Repeat | None, effects: Effects) -> Session | KeyRecord | None:
    """The session of an earlier send; or a record of the key to write over, where there is one that made none."""
    if repeat is None or repeat.key is None:
        return None
    record = effects.idempotency.by_key(repeat, effects.clock.now())
    if record is None or record.is_expired:
        return record
    if record.body_sha256 != repeat.body_sha256:
        raise KeyReused(repeat.key)
    attempt = effects.sessions.get_attempt(record.task_id)
    match attempt.state if attempt else AttemptState.REFUSED:
        case AttemptState.REFUSED | AttemptState.REFUSING:
            return record
        case AttemptState.BOUND if attempt and attempt.session_id:
            return effects.sessions.get(attempt.session_id)
        case AttemptState.SENDING:
            raise StillCreating("The first request with this Idempotency-Key has not been answered yet")
        case _:
            raise CreateAmbiguous("Runway's answer to the first request with this Idempotency-Key was lost")


def _reserve(order: SessionOrder, effects: Effects, most_seconds: int) -> Attempt | Session:
    """Minutes, the token's use and the key's record, all or none; or the session that the key has made before."""
    for tries in range(_RESERVE_TRIES):
        first = _first_of(order.repeat, effects)
        if isinstance(first, Session):
            return first
        now = effects.clock.now()
        token_id = order.token.id if order.token else None
        attempt = Attempt(effects.new_id(), order.client, order.request.max_seconds, now, token_id=token_id)
        others: list[Write] = [effects.client_tokens.use(order.token)] if order.token else []
        if order.repeat is not None and order.repeat.key is not None:
            others.append(effects.idempotency.put(order.repeat, attempt.id, now, first))
        try:
            effects.sessions.attempt(attempt, most_seconds, *others)
        except ConditionFailed:
            _tell_why(order, attempt, effects, most_seconds)
            effects.clock.sleep(min(1.0, 0.02 * 2**tries) * (0.5 + effects.chance()))
        else:
            return attempt
    raise Contended(order.client)


def _tell_why(order: SessionOrder, attempt: Attempt, effects: Effects, most_seconds: int) -> None:
    """Raises where trying again is of no use."""
    if order.token is not None and effects.client_tokens.is_spent(order.token):
        raise TokenSpent(
            f"This client token has been used for {order.token.max_sessions} session(s): ask your server for a new one"
        )
    used = effects.sessions.used_seconds(order.client, attempt.day)
    if used + attempt.seconds > most_seconds:
        tomorrow = datetime.fromtimestamp(attempt.created_at, UTC).date() + timedelta(days=1)
        raise MinutesUsedUp(
            f"This client may use {most_seconds // 60} minutes of live sessions a day; {used / 60:.0f} are used or "
            f"reserved, and this session would take up to {attempt.seconds / 60:.0f}. "
            f"There are new ones from {tomorrow}, 00:00 UTC"
        )


def _keep(order: SessionOrder, attempt: Attempt, session_id: str, effects: Effects) -> Session:
    """The session, after its row is written. If that fails, the session is cancelled."""
    now = effects.clock.now()
    session = effects.sessions.moves.begin(
        Session(
            id=session_id,
            client=order.client,
            model=order.request.model,
            avatar=dict(order.request.avatar),
            max_seconds=order.request.max_seconds,
            created_at=now,
            source=dict(order.source),
            metadata=dict(order.request.metadata),
            minutes_day=attempt.day,
            reserved_seconds=attempt.seconds,
        )
    )
    try:
        # Before the row: no other client may ever read the conversation.
        own(Kind.CONVERSATION, session_id, order.client, effects)
        effects.sessions.bind(attempt, session)
    except Exception as error:
        _abandon(session_id, effects)
        if isinstance(error, ConditionFailed):
            # The sweeper has recorded the attempt as lost: this call was suspended for longer than it may run.
            raise Contended(session_id) from error
        raise
    return session


def _abandon(session_id: str, effects: Effects) -> None:
    try:
        effects.runway_sessions.cancel(session_id)
    except UpstreamUnavailable:
        logger.error("a session without a row could not be cancelled", session_id=session_id)
