"""Create, read, change and delete avatars, documents, voices and conversations at Runway.

A client owns what it created through Tarmac (`tarmac.characters.ownership`). Items created in Runway's portal are
shared: every client may read and use them, and the scope `admin` may change them. Reasons:
docs/decisions/0018-characters.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.characters.idempotency import begin_create, end_create, find_create
from tarmac.characters.kinds import Kind
from tarmac.characters.owner_store import Owned, owned_item
from tarmac.characters.ownership import NoSuchItem, NotRecorded, SharedItem, is_shared
from tarmac.characters.references import Reference, references
from tarmac.characters.specs import CHANGES, CLEARABLE, CREATES, VOICE_DESIGN, knowledge_problem
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
"""Longest time from a request to its create at Runway. After a later create the response might reach a closed
connection, and the SDK would retry it."""

LARGEST_INPUT = 32 * 1024 * 1024
"""Largest stored file, in bytes, that is uploaded to Runway while the caller waits: Runway's own limit for URLs."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request. is_admin: its key has the scope `admin`."""

    client: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A validated body, and its stored inputs (`tarmac.media.inputs`), which are not uploaded yet."""

    body: dict[str, Any]
    inputs: Mapping[Path, dict[str, Any]]


def create(
    kind: Kind,
    given: Mapping[str, Any],
    request_identity: RequestIdentity,
    s3_allowed: Collection[str],
    effects: Effects,
) -> dict[str, Any]:
    """Create an item at Runway, record its owner, and return Runway's response.

    Raises InvalidRequest, KeyReused, CreateInProgress, CreateResponseLost, NotRecorded, CreateRefused, CreateRejected,
    CreateAmbiguous.
    """
    began = effects.clock.now()
    client = request_identity.client
    specs = CREATES[kind]
    rewritten = to_contract({name: value for name, value in given.items() if value is not None}, specs)
    with issues_as_sent(rewritten):
        body, media = _checked(rewritten, specs, client, s3_allowed, effects)
        earlier = find_create(request_identity, effects)
        if earlier.item_id is not None:
            return {"id": earlier.item_id} if kind is Kind.VOICE else read(kind, earlier.item_id, client, effects)
        ready = _ready(_prepared(body, media, client, s3_allowed, effects), effects)
    if effects.clock.now() - began > LONGEST_PREPARATION_SECONDS:
        raise CreateRefused("Preparing the request took too long, and nothing was created; retry")
    record = begin_create(request_identity, earlier, effects)
    try:
        created = effects.characters.create(kind.path, ready)
    except (CreateRefused, CreateRejected):
        end_create(request_identity, record, None, effects)
        raise
    try:
        effects.owners.add(owned_item(kind, body | created, client, effects.clock.now()))
    except Exception as error:
        logger.error("owner of a created item not recorded", client=client, upstream_id=created["id"])
        raise NotRecorded(f"The {kind} {created['id']} was created, but not recorded as yours") from error
    end_create(request_identity, record, created["id"], effects)
    return created


def preview_voice(given: Mapping[str, Any], effects: Effects) -> dict[str, Any]:
    """Return Runway's preview of a voice design. Raises InvalidRequest, CreateRefused, CreateRejected,
    CreateAmbiguous."""
    body = {name: value for name, value in given.items() if value is not None}
    if issues := check(body, VOICE_DESIGN).issues:
        raise InvalidRequest(issues)
    return effects.characters.preview(body)


def read(kind: Kind, item_id: str, client: str, effects: Effects) -> dict[str, Any]:
    """Return an item that the client may read, in Runway's shape. Raises NoSuchItem, UpstreamUnavailable."""
    owned = effects.owners.find(kind, item_id)
    if owned is None:
        item = _shared(kind, item_id, effects)
    elif owned.belongs_to(client):
        item = _read_at_runway(kind, item_id, effects)
    else:
        item = None
    if item is None:
        raise NoSuchItem(kind)
    return without_foreign_users(item, client, effects)


def without_foreign_users(item: dict[str, Any], client: str, effects: Effects) -> dict[str, Any]:
    """Return an item without other clients' avatars in the `usedBy` of a document. Raises UpstreamUnavailable."""
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
    """Return an item that has no row, or None if it is missing or not shared yet. Raises UpstreamUnavailable."""
    asked_at = effects.clock.now()
    item = _read_at_runway(kind, item_id, effects) if is_id(item_id) else None
    return item if item is not None and is_shared(item, asked_at) else None


def _read_at_runway(kind: Kind, item_id: str, effects: Effects) -> dict[str, Any] | None:
    try:
        return effects.characters.read(kind.path, item_id)
    except UpstreamGone:
        return None


def change(
    kind: Kind, item_id: str, given: Mapping[str, Any], caller: Caller, s3_allowed: Collection[str], effects: Effects
) -> dict[str, Any] | None:
    """Change an item at Runway and return Runway's response, None if it is empty.

    Raises InvalidRequest, NoSuchItem, SharedItem, CreateRefused (with status 409 while Runway processes the item),
    CreateRejected, CreateAmbiguous.
    """
    specs = CHANGES[kind]
    rewritten = to_contract(given, specs)
    rewritten = replace(
        rewritten,
        body={name: value for name, value in rewritten.body.items() if value is not None or name in CLEARABLE},
    )
    with issues_as_sent(rewritten):
        body, media = _checked(rewritten, specs, caller.client, s3_allowed, effects)
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
    """Delete an item at Runway, then mark its row. Raises NoSuchItem, SharedItem, UpstreamUnavailable."""
    owned = _changeable(kind, item_id, caller, effects)
    try:
        effects.characters.delete(kind.path, item_id)
    except UpstreamGone:
        # An item that still has a row was deleted by an earlier attempt that could not mark the row.
        if owned is None:
            raise NoSuchItem(kind) from None
    if owned is not None:
        effects.owners.delete(owned, effects.clock.now())


def _changeable(kind: Kind, item_id: str, caller: Caller, effects: Effects) -> Owned | None:
    """Return the row of an item that the caller may change, None for a shared item. Raises NoSuchItem, SharedItem."""
    owned = effects.owners.find(kind, item_id)
    if owned is not None:
        if not owned.belongs_to(caller.client):
            raise NoSuchItem(kind)
        return owned
    if _shared(kind, item_id, effects) is None:
        raise NoSuchItem(kind)
    if not caller.is_admin:
        raise SharedItem(f"This {kind} was created in Runway's portal and is shared; changing it requires scope admin")
    return None


def _checked(
    rewritten: Rewritten, specs: Mapping[str, Spec], client: str, s3_allowed: Collection[str], effects: Effects
) -> tuple[dict[str, Any], MediaFields]:
    """Return the body, with links to the client's own outputs as `s3://` links, and its media fields.

    Raises InvalidRequest.
    """
    # Runway accepts a body without a known field and changes nothing.
    is_empty = rewritten.body.keys().isdisjoint(specs)
    archive_bucket = effects.archive.bucket
    checked = check(
        rewritten.body,
        specs,
        [{"requiresOneOf": list(specs)}] if is_empty else (),
        strict=is_empty,
        s3_allowed=bool(s3_allowed),
        is_own_output=lambda link: own_output(link, archive_bucket, client) is not None,
    )
    body = name_own_outputs(rewritten.body, checked.media, client, archive_bucket)
    issues = rewritten.issues + checked.issues
    issues += unusable_inline_media(body, checked.media, {issue.path for issue in issues})
    if issues:
        raise InvalidRequest(issues)
    return body, checked.media


def _prepared(
    body: dict[str, Any], media: MediaFields, client: str, s3_allowed: Collection[str], effects: Effects
) -> Prepared:
    """Return the body with its stored inputs.

    Raises InvalidRequest if the client has no such upload, voice or document, or if the documents are too large.
    """
    sources, issues = stored_inputs(body, media, client, s3_allowed, effects)
    found = list(references(body))
    sizes = together(lambda reference: _size_of(reference, client, effects), found)
    issues += [
        Issue("custom", reference.path, reference.kind.not_found)
        for reference, size in zip(found, sizes, strict=True)
        if size is None
    ]
    if problem := knowledge_problem(sum(size or 0 for size in sizes)):
        issues.append(Issue("too_big", ("documentIds",), problem))
    if issues:
        raise InvalidRequest(issues)
    return Prepared(body, sources)


def _size_of(reference: Reference, client: str, effects: Effects) -> int | None:
    """Return the size of a document in bytes, 0 for other kinds. None if the item is missing or another client's.

    Items without an owner are read at Runway, so that missing items get the same error as another client's.
    """
    owned = effects.owners.find(reference.kind, reference.id)
    if owned is not None:
        return (owned.content_bytes or 0) if owned.belongs_to(client) else None
    item = _shared(reference.kind, reference.id, effects)
    return None if item is None else len(str(item.get("content") or "").encode())


def _check_users(document_id: str, size_bytes: int, client: str, effects: Effects) -> None:
    """Check that a changed document still fits into each avatar that uses it. Raises InvalidRequest."""
    try:
        users = effects.characters.read(Kind.DOCUMENT.path, document_id).get("usedBy") or []
        avatars = together(lambda user: effects.characters.read(Kind.AVATAR.path, str(user["id"])), users)
    except UpstreamGone:
        # One of them is being deleted; Runway checks the size itself.
        return
    document_sets = [set(avatar.get("documentIds") or ()) - {document_id} for avatar in avatars]
    others = [Reference(Kind.DOCUMENT, other, ()) for other in set().union(*document_sets)]
    sizes = dict(
        zip((one.id for one in others), together(lambda one: _size_of(one, client, effects), others), strict=True)
    )
    for documents in document_sets:
        if problem := knowledge_problem(size_bytes + sum(sizes[other] or 0 for other in documents)):
            raise InvalidRequest([Issue("too_big", ("content",), f"{problem}, in an avatar that uses this document")])


def _ready(prepared: Prepared, effects: Effects) -> dict[str, Any]:
    """Upload the stored inputs and return the body with Runway's links. Raises InvalidRequest."""
    try:
        held = name_inputs(prepared.body, prepared.inputs)
        return upload_inputs(held, effects, LONGEST_PREPARATION_SECONDS, LARGEST_INPUT)
    except (InputMissing, InputUnusable) as problem:
        path = next(iter(prepared.inputs))
        raise InvalidRequest([Issue("custom", path, str(problem))]) from None
