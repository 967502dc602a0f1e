"""Create a live session: reserve its minutes, send one create to Runway, store the row, start the execution."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tarmac.characters.kinds import Kind
from tarmac.characters.ownership import NoSuchItem, foreign_references, own
from tarmac.effects import Effects
from tarmac.idempotency import IdempotencyRecord, KeyReused, RequestIdentity
from tarmac.ports import ConditionFailed, ExecutionNameTaken, Write
from tarmac.rows import Contended
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.sessions.client_tokens import ClientToken
from tarmac.sessions.errors import MinutesUsedUp, StillCreating, TokenSpent
from tarmac.sessions.requests import SessionRequest
from tarmac.sessions.session import Session
from tarmac.sessions.store import Attempt, AttemptState
from tarmac.telemetry import logger

_RESERVE_TRIES = 12


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """A session to create. token: the client token of the request, if any.

    request_identity: identifies retries of the same create; used only with an idempotency key.
    """

    client: str
    request: SessionRequest
    source: dict[str, str] = field(default_factory=lambda: {"kind": "api"})
    token: ClientToken | None = None
    request_identity: RequestIdentity | None = None


def create_session(order: SessionOrder, effects: Effects, most_seconds: int) -> Session:
    """Create a session at Runway, or return the session that this idempotency key has created before.

    Without a key a retried create makes another session; a session with a lost response is never claimed and ends
    unclaimed. most_seconds: the client's limit for a day. Raises NoSuchItem, KeyReused, StillCreating, MinutesUsedUp,
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
        _release_now_or_later(attempt, effects)
        if refusal.status == 404:
            # The same error as for another client's avatar.
            raise NoSuchItem(Kind.AVATAR) from refusal
        raise
    except CreateAmbiguous:
        # Runway has no list of sessions in which to find it. Its key was never returned, so no viewer can join. Its
        # minutes stay counted, and Runway ends it after `maxDuration`, which every create contains.
        # Whatever happens to this write: the sweeper marks the attempt later, and the caller must not retry.
        with suppress(Exception):
            effects.sessions.mark_lost(attempt)
        logger.error("response to a session create lost", client=order.client, seconds=attempt.seconds)
        raise
    session = _store_session(order, attempt, session_id, effects)
    try:
        start_watching(session, effects)
    except Exception as error:
        # The caller gets its session all the same; the sweeper starts missing executions.
        logger.crash("session execution not started", error, session_id=session.id)
    return session


def release_attempt(attempt: Attempt, effects: Effects) -> None:
    """Release the minutes and the token's use of an attempt that created nothing, unless another process has."""
    uses = [effects.client_tokens.release(attempt.token_id)] if attempt.token_id else []
    with suppress(ConditionFailed):
        effects.sessions.release(attempt, *uses)


def _release_now_or_later(attempt: Attempt, effects: Effects) -> None:
    """Release the attempt. If that fails, the sweeper does it: the caller gets Runway's refusal in any case."""
    try:
        release_attempt(attempt, effects)
    except Exception as error:
        about = {"client": attempt.client, "seconds": attempt.seconds}
        logger.crash("minutes of a refused session not released yet", error, **about)
        try:
            # This write concerns one row alone, so it cannot conflict with another transaction.
            effects.sessions.mark_refused(attempt)
        except ConditionFailed:
            # The release succeeded, and only its response was lost.
            return
        except Exception as error:
            logger.crash("a refused session will be counted as lost", error, **about)


def start_watching(session: Session, effects: Effects) -> None:
    """Start the execution of the session's current run. Has no effect if it was started already."""
    with suppress(ExecutionNameTaken):
        effects.session_executions.start(
            session.execution_name, json.dumps({"sessionId": session.id}, separators=(",", ":"))
        )


def _earlier_create(request_identity: RequestIdentity | None, effects: Effects) -> Session | IdempotencyRecord | None:
    """Return the session that an earlier request with this key created, or the key's record to replace, or None.

    Raises KeyReused, StillCreating, CreateAmbiguous.
    """
    if request_identity is None or request_identity.key is None:
        return None
    record = effects.idempotency.by_key(request_identity, effects.clock.now())
    if record is None or record.is_expired:
        return record
    if record.body_sha256 != request_identity.body_sha256:
        raise KeyReused(request_identity.key)
    attempt = effects.sessions.get_attempt(record.task_id)
    match attempt.state if attempt else AttemptState.REFUSED:
        case AttemptState.REFUSED | AttemptState.REFUSING:
            return record
        case AttemptState.BOUND if attempt and attempt.session_id:
            return effects.sessions.get(attempt.session_id)
        case AttemptState.SENDING:
            raise StillCreating("The first request with this Idempotency-Key is still in progress; retry")
        case _:
            raise CreateAmbiguous("Runway's response to the first request with this Idempotency-Key was lost")


def _reserve(order: SessionOrder, effects: Effects, most_seconds: int) -> Attempt | Session:
    """Write the attempt, its minutes, the token's use and the key's record in one transaction.

    Returns the session instead if the key has created one before. Concurrent creates of a client conflict on its row
    of minutes, so a conflict is retried with backoff. Raises as `create_session` does.
    """
    for tries in range(_RESERVE_TRIES):
        first = _earlier_create(order.request_identity, effects)
        if isinstance(first, Session):
            return first
        now = effects.clock.now()
        token_id = order.token.id if order.token else None
        attempt = Attempt(effects.new_id(), order.client, order.request.max_seconds, now, token_id=token_id)
        others: list[Write] = [effects.client_tokens.use(order.token)] if order.token else []
        if order.request_identity is not None and order.request_identity.key is not None:
            others.append(effects.idempotency.put(order.request_identity, attempt.id, now, first))
        try:
            effects.sessions.reserve(attempt, most_seconds, *others)
        except ConditionFailed:
            _raise_if_permanent(order, attempt, effects, most_seconds)
            effects.clock.sleep(min(1.0, 0.02 * 2**tries) * (0.5 + effects.chance()))
        else:
            return attempt
    raise Contended(order.client)


def _raise_if_permanent(order: SessionOrder, attempt: Attempt, effects: Effects, most_seconds: int) -> None:
    """Raise TokenSpent or MinutesUsedUp if a retry of the reservation cannot succeed."""
    if order.token is not None and effects.client_tokens.is_spent(order.token):
        raise TokenSpent(
            f"This client token has been used for {order.token.max_sessions} session(s): "
            "request a new one from your server"
        )
    used = effects.sessions.used_seconds(order.client, attempt.day)
    if used + attempt.seconds > most_seconds:
        tomorrow = datetime.fromtimestamp(attempt.created_at, UTC).date() + timedelta(days=1)
        raise MinutesUsedUp(
            f"This client may use {most_seconds // 60} minutes of live sessions a day; {used / 60:.0f} are used or "
            f"reserved, and this session needs up to {attempt.seconds / 60:.0f}. "
            f"The limit resets at {tomorrow}, 00:00 UTC"
        )


def _store_session(order: SessionOrder, attempt: Attempt, session_id: str, effects: Effects) -> Session:
    """Write the row of the session and its owner. If that fails, cancel the session at Runway. Raises Contended."""
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
        # Before the row, so that no other client can read the conversation at any time.
        own(Kind.CONVERSATION, session_id, order.client, effects)
        effects.sessions.bind(attempt, session)
    except Exception as error:
        _cancel_orphan(session_id, effects)
        if isinstance(error, ConditionFailed):
            # The sweeper has marked the attempt as lost: this call was suspended for longer than it may run.
            raise Contended(session_id) from error
        raise
    return session


def _cancel_orphan(session_id: str, effects: Effects) -> None:
    """Cancel a session at Runway that has no row."""
    try:
        effects.runway_sessions.cancel(session_id)
    except UpstreamUnavailable:
        logger.error("cancel of a session without a row failed", session_id=session_id)
