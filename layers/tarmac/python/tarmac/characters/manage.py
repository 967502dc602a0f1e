"""Avatars, documents, voices and conversations: passed through to Runway, each client among its own.

What a client has made through Tarmac is its own (`tarmac.characters.owners`). What was made in Runway's portal is
shared: every client reads and uses it, `admin` changes it. Why so: docs/decisions.md, "Characters".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.characters.descriptions import CHANGES, CLEARABLE, CREATES, VOICE_DESIGN, knowledge_problem
from tarmac.characters.idempotency import begin_send, end_send, find_send
from tarmac.characters.kinds import Kind, Reference, references
from tarmac.characters.owner_store import Owned, owned_item
from tarmac.characters.owners import NoSuchItem, NotRecorded, SharedItem, is_shared
from tarmac.concurrency import together
from tarmac.effects import Effects
from tarmac.idempotency import RequestIdentity
from tarmac.ids import is_id
from tarmac.media.inputs import (
    InputMissing,
    InputUnusable,
    name_inputs,
    name_own_outputs,
    stored_inputs,
    unusable_inline_media,
    upload_inputs,
)
from tarmac.media.keys import own_output
from tarmac.requests.spellings import Rewritten, issues_as_sent, to_contract
from tarmac.requests.validation import InvalidRequest, Issue, MediaFields, Path, Spec, check
from tarmac.runway.errors import CreateRefused, CreateRejected, UpstreamGone
from tarmac.telemetry import logger

LONGEST_PREPARATION_SECONDS = 10.0
"""From the request to its create. What is sent later might be answered after the caller's connection has ended, and an
SDK would send it again."""

LARGEST_INPUT = 32 * 1024 * 1024
"""Bytes of a stored file that is sent on while the caller waits: as much as Runway fetches from any URL."""


@dataclass(frozen=True, slots=True)
class Caller:
    client: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked body, with its stored inputs (`tarmac.media.inputs`) still to be uploaded."""

    body: dict[str, Any]
    inputs: Mapping[Path, dict[str, Any]]


def create(
    kind: Kind, given: Mapping[str, Any], repeat: RequestIdentity, s3_allowed: Collection[str], effects: Effects
) -> dict[str, Any]:
    """Runway's answer. Raises InvalidRequest, KeyReused, SendUnderWay, SendLost, NotRecorded, CreateRefused,
    CreateRejected, CreateAmbiguous."""
    began = effects.clock.now()
    client = repeat.client
    specs = CREATES[kind]
    told = to_contract({name: value for name, value in given.items() if value is not None}, specs)
    with issues_as_sent(told):
        body, media = _checked(told, specs, client, s3_allowed, effects)
        earlier = find_send(repeat, effects)
        if earlier.item_id is not None:
            return {"id": earlier.item_id} if kind is Kind.VOICE else read(kind, earlier.item_id, client, effects)
        ready = _ready(_prepared(body, media, client, s3_allowed, effects), effects)
    if effects.clock.now() - began > LONGEST_PREPARATION_SECONDS:
        raise CreateRefused("It took too long to prepare the request: nothing was made")
    send = begin_send(repeat, earlier, effects)
    try:
        made = effects.characters.create(kind.path, ready)
    except (CreateRefused, CreateRejected):
        end_send(repeat, send, None, effects)
        raise
    try:
        effects.owners.add(owned_item(kind, body | made, client, effects.clock.now()))
    except Exception as error:
        logger.error("what was made has no owner", client=client, upstream_id=made["id"])
        raise NotRecorded(f"The {kind} {made['id']} was made, but not recorded as yours") from error
    end_send(repeat, send, made["id"], effects)
    return made


def preview_voice(given: Mapping[str, Any], effects: Effects) -> dict[str, Any]:
    """Runway's answer. Raises InvalidRequest and as Runway's create does."""
    body = {name: value for name, value in given.items() if value is not None}
    if issues := check(body, VOICE_DESIGN).issues:
        raise InvalidRequest(issues)
    return effects.characters.preview(body)


def read(kind: Kind, item_id: str, client: str, effects: Effects) -> dict[str, Any]:
    """Runway's answer. Raises NoSuchItem, UpstreamUnavailable."""
    owned = effects.owners.find(kind, item_id)
    if owned is None:
        item = _shared(kind, item_id, effects)
    elif owned.belongs_to(client):
        item = _at_runway(kind, item_id, effects)
    else:
        item = None
    if item is None:
        raise NoSuchItem(kind)
    return shown(item, client, effects)


def shown(item: dict[str, Any], client: str, effects: Effects) -> dict[str, Any]:
    """A shared document may be used by another client's avatar, which is nobody else's business. Raises
    UpstreamUnavailable."""
    users = item.get("usedBy")
    if not isinstance(users, list):
        return item
    return item | {"usedBy": [user for user in users if _sees_avatar(client, str(user.get("id")), effects)]}


def _sees_avatar(client: str, avatar_id: str, effects: Effects) -> bool:
    owned = effects.owners.find(Kind.AVATAR, avatar_id)
    if owned is not None:
        return owned.belongs_to(client)
    return _shared(Kind.AVATAR, avatar_id, effects) is not None


def _shared(kind: Kind, item_id: str, effects: Effects) -> dict[str, Any] | None:
    """One that has no row, if it is there and everybody's. Raises UpstreamUnavailable."""
    asked_at = effects.clock.now()
    item = _at_runway(kind, item_id, effects) if is_id(item_id) else None
    return item if item is not None and is_shared(item, asked_at) else None


def _at_runway(kind: Kind, item_id: str, effects: Effects) -> dict[str, Any] | None:
    try:
        return effects.characters.read(kind.path, item_id)
    except UpstreamGone:
        return None


def change(
    kind: Kind, item_id: str, given: Mapping[str, Any], caller: Caller, s3_allowed: Collection[str], effects: Effects
) -> dict[str, Any] | None:
    """Runway's answer; None where that is empty. Raises InvalidRequest, NoSuchItem, SharedItem, CreateRefused (of
    which 409 is Runway's: still processing), CreateRejected, CreateAmbiguous."""
    specs = CHANGES[kind]
    told = to_contract(given, specs)
    told = replace(
        told, body={name: value for name, value in told.body.items() if value is not None or name in CLEARABLE}
    )
    with issues_as_sent(told):
        body, media = _checked(told, specs, caller.client, s3_allowed, effects)
        owned = _changeable(kind, item_id, caller, effects)
        prepared = _prepared(body, media, caller.client, s3_allowed, effects)
        content = body.get("content") if kind is Kind.DOCUMENT else None
        if content is not None:
            _check_users(item_id, len(content.encode()), caller.client, effects)
        ready = _ready(prepared, effects)
    try:
        changed = effects.characters.change(kind.path, item_id, ready)
    except CreateRejected as rejection:
        raise NoSuchItem(kind) if rejection.status == 404 else rejection from None
    if owned is not None:
        size = owned.content_bytes if content is None else len(content.encode())
        effects.owners.change(owned, effects.clock.now(), size)
    return changed


def delete(kind: Kind, item_id: str, caller: Caller, effects: Effects) -> None:
    """At Runway, then here. Raises NoSuchItem, SharedItem, UpstreamUnavailable."""
    owned = _changeable(kind, item_id, caller, effects)
    try:
        effects.characters.delete(kind.path, item_id)
    except UpstreamGone:
        # Ours still has its row: an earlier try got as far as Runway.
        if owned is None:
            raise NoSuchItem(kind) from None
    if owned is not None:
        effects.owners.delete(owned, effects.clock.now())


def _changeable(kind: Kind, item_id: str, caller: Caller, effects: Effects) -> Owned | None:
    """The row of what the caller may change; None of what is shared."""
    owned = effects.owners.find(kind, item_id)
    if owned is not None:
        if not owned.belongs_to(caller.client):
            raise NoSuchItem(kind)
        return owned
    if _shared(kind, item_id, effects) is None:
        raise NoSuchItem(kind)
    if not caller.is_admin:
        raise SharedItem(f"This {kind} was made in Runway's portal: changing it takes the scope admin")
    return None


def _checked(
    told: Rewritten, specs: Mapping[str, Spec], client: str, s3_allowed: Collection[str], effects: Effects
) -> tuple[dict[str, Any], MediaFields]:
    """The body, with `s3://` links to the client's own outputs, and its media fields."""
    # Runway accepts a body that has no known parameter, and then does nothing.
    says_nothing = told.body.keys().isdisjoint(specs)
    archive_bucket = effects.archive.bucket
    checked = check(
        told.body,
        specs,
        [{"requiresOneOf": list(specs)}] if says_nothing else (),
        strict=says_nothing,
        s3_allowed=bool(s3_allowed),
        is_own_output=lambda link: own_output(link, archive_bucket, client) is not None,
    )
    body = name_own_outputs(told.body, checked.media, client, archive_bucket)
    issues = told.issues + checked.issues
    issues += unusable_inline_media(body, checked.media, {issue.path for issue in issues})
    if issues:
        raise InvalidRequest(issues)
    return body, checked.media


def _prepared(
    body: dict[str, Any], media: MediaFields, client: str, s3_allowed: Collection[str], effects: Effects
) -> Prepared:
    """Raises InvalidRequest for uploads, voices and documents that the client does not have, and for too much text."""
    sources, issues = stored_inputs(body, media, client, s3_allowed, effects)
    named = list(references(body))
    sizes = together(lambda one: _size_of(one, client, effects), named)
    issues += [
        Issue("custom", one.path, one.kind.not_found) for one, size in zip(named, sizes, strict=True) if size is None
    ]
    if problem := knowledge_problem(sum(size or 0 for size in sizes)):
        issues.append(Issue("too_big", ("documentIds",), problem))
    if issues:
        raise InvalidRequest(issues)
    return Prepared(body, sources)


def _size_of(named: Reference, client: str, effects: Effects) -> int | None:
    """Bytes of what is named, 0 of what is no document. None where there is none, or it is another client's: both are
    said in the same words, so Runway is asked about what nobody owns."""
    owned = effects.owners.find(named.kind, named.id)
    if owned is not None:
        return (owned.content_bytes or 0) if owned.belongs_to(client) else None
    item = _shared(named.kind, named.id, effects)
    return None if item is None else len(str(item.get("content") or "").encode())


def _check_users(document_id: str, size_bytes: int, client: str, effects: Effects) -> None:
    """A document that grows must still fit into each avatar that knows it."""
    try:
        users = effects.characters.read(Kind.DOCUMENT.path, document_id).get("usedBy") or []
        avatars = together(lambda user: effects.characters.read(Kind.AVATAR.path, str(user["id"])), users)
    except UpstreamGone:
        # One of them is being deleted: Runway itself has the last word on what fits.
        return
    known = [set(avatar.get("documentIds") or ()) - {document_id} for avatar in avatars]
    others = [Reference(Kind.DOCUMENT, other, ()) for other in set().union(*known)]
    sizes = dict(
        zip((one.id for one in others), together(lambda one: _size_of(one, client, effects), others), strict=True)
    )
    for documents in known:
        if problem := knowledge_problem(size_bytes + sum(sizes[other] or 0 for other in documents)):
            raise InvalidRequest([Issue("too_big", ("content",), f"{problem}, in an avatar that knows this one")])


def _ready(prepared: Prepared, effects: Effects) -> dict[str, Any]:
    """The body as Runway takes it."""
    try:
        held = name_inputs(prepared.body, prepared.inputs)
        return upload_inputs(held, effects, LONGEST_PREPARATION_SECONDS, LARGEST_INPUT)
    except (InputMissing, InputUnusable) as problem:
        path = next(iter(prepared.inputs))
        raise InvalidRequest([Issue("custom", path, str(problem))]) from None
