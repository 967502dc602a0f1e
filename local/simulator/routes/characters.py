"""/v1/avatars, /v1/documents and /v1/voices."""

from __future__ import annotations

import uuid
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.characters import avatar_json, document_json, knowledge_problem, voice_json
from local.simulator.checks import Check, Findings
from local.simulator.contract import request_check
from local.simulator.directives import Directives
from local.simulator.inputs import resolve
from local.simulator.library import Avatar, Document, Voice
from local.simulator.links import linker
from local.simulator.listing import choice, page
from local.simulator.rendering import Clip, hue_of
from local.simulator.responses import ApiError, invalid
from local.simulator.routes.creating import Create, must_pass, read_create
from local.simulator.simulator import Simulator

AVATAR_SECONDS: Final = 15.0
VOICE_SECONDS: Final = 8.0
PREVIEW_SECONDS: Final = 3


# Avatars


async def create_avatar(request: Request, simulator: Simulator) -> Response:
    """200 with the whole avatar, which is PROCESSING at first."""
    create = await read_create(request, simulator)
    avatar = add_avatar(simulator, create, str(uuid.uuid4()))
    return create.answer(avatar_json(simulator.library, avatar, simulator.now(), linker(request, simulator)))


def add_avatar(simulator: Simulator, create: Create, avatar_id: str) -> Avatar:
    """Add an avatar; raises ApiError 400."""
    body, now = create.body, simulator.now()
    picture = _pass_avatar(simulator, request_check("AvatarCreateParams"), body)
    avatar = Avatar(
        id=avatar_id,
        name=body["name"],
        personality=body["personality"],
        voice=body["voice"],
        start_script=body.get("startScript"),
        document_ids=body.get("documentIds", []),
        picture=picture,
        created_at=now,
        updated_at=now,
        ready_at=now + _processing(simulator, create.scenario, AVATAR_SECONDS),
        failure=create.scenario.fail,
    )
    simulator.library.avatars[avatar_id] = avatar
    return avatar


async def list_avatars(request: Request, simulator: Simulator) -> Response:
    library, now, link = simulator.library, simulator.now(), linker(request, simulator)

    def show(avatar: Avatar) -> dict[str, Any]:
        return avatar_json(library, avatar, now, link)

    return JSONResponse(
        page(request.query_params, library.avatars.values(), lambda each: (each.created_at, each.id), show)
    )


async def read_avatar(request: Request, simulator: Simulator) -> Response:
    avatar = _avatar(request, simulator)
    return JSONResponse(avatar_json(simulator.library, avatar, simulator.now(), linker(request, simulator)))


async def change_avatar(request: Request, simulator: Simulator) -> Response:
    """200 with the whole avatar; 409 for a new image while the last one is PROCESSING."""
    avatar, create, now = _avatar(request, simulator), await read_create(request, simulator), simulator.now()
    picture = _pass_avatar(simulator, request_check("AvatarUpdateParams"), body := create.body)
    if "referenceImage" in body:
        if avatar.status(now) == "PROCESSING":
            raise ApiError(409, "The reference image cannot be changed while the avatar is processing")
        avatar.picture, avatar.failure = picture, create.scenario.fail
        avatar.ready_at = now + _processing(simulator, create.scenario, AVATAR_SECONDS)
    avatar.name = body.get("name", avatar.name)
    avatar.personality = body.get("personality", avatar.personality)
    avatar.voice = body.get("voice", avatar.voice)
    avatar.start_script = body.get("startScript", avatar.start_script)
    avatar.document_ids = body.get("documentIds", avatar.document_ids)
    avatar.updated_at = now
    return create.answer(avatar_json(simulator.library, avatar, now, linker(request, simulator)))


async def delete_avatar(request: Request, simulator: Simulator) -> Response:
    del simulator.library.avatars[_avatar(request, simulator).id]
    return Response(status_code=204)


def _avatar(request: Request, simulator: Simulator) -> Avatar:
    avatar = simulator.library.avatars.get(request.path_params["avatar_id"])
    if avatar is None:
        raise ApiError(404, "Avatar not found")
    return avatar


def _pass_avatar(simulator: Simulator, check: Check, body: Any) -> str | None:
    """The stored reference image, if there is one; raises ApiError 400."""
    findings = must_pass(check, body)
    picture = resolve(findings, simulator)
    voice = body.get("voice", {})
    if voice.get("type") == "custom" and voice["id"] not in simulator.library.voices:
        findings.add("custom", ("voice", "id"), "Voice not found")
    if problem := knowledge_problem(simulator.library, body.get("documentIds", [])):
        findings.add("custom", ("documentIds",), problem)
    return _unless_issues(findings, picture)


def _unless_issues(findings: Findings, picture: str | None) -> str | None:
    if findings.issues:
        raise invalid(*findings.issues)
    return picture


def _processing(simulator: Simulator, scenario: Directives, usual: float) -> float:
    return (usual if scenario.ready is None else scenario.ready) * simulator.config.time_scale


# Documents


async def create_document(request: Request, simulator: Simulator) -> Response:
    """200 with the whole document."""
    create = await read_create(request, simulator)
    document = add_document(simulator, create, str(uuid.uuid4()))
    return create.answer(document_json(simulator.library, document, simulator.now(), linker(request, simulator)))


def add_document(simulator: Simulator, create: Create, document_id: str) -> Document:
    """Add a document; raises ApiError 400."""
    must_pass(request_check("DocumentCreateParams"), create.body)
    now = simulator.now()
    document = Document(document_id, create.body["name"], create.body["content"], now, now)
    simulator.library.documents[document_id] = document
    return document


async def list_documents(request: Request, simulator: Simulator) -> Response:
    """200 with a page of documents, without their content."""
    library, now, link = simulator.library, simulator.now(), linker(request, simulator)
    by = choice(request.query_params, "sort", "createdAt", "updatedAt")
    descending = choice(request.query_params, "order", "desc", "asc") == "desc"

    def place(document: Document) -> tuple[float, str]:
        return (document.created_at if by == "createdAt" else document.updated_at), document.id

    def show(document: Document) -> dict[str, Any]:
        shown = document_json(library, document, now, link)
        del shown["content"]
        return shown

    return JSONResponse(page(request.query_params, library.documents.values(), place, show, newest_first=descending))


async def read_document(request: Request, simulator: Simulator) -> Response:
    document = _document(request, simulator)
    return JSONResponse(document_json(simulator.library, document, simulator.now(), linker(request, simulator)))


async def change_document(request: Request, simulator: Simulator) -> Response:
    """204 without a body."""
    document, create = _document(request, simulator), await read_create(request, simulator)
    must_pass(request_check("DocumentUpdateParams"), create.body)
    document.name = create.body.get("name", document.name)
    document.content = create.body.get("content", document.content)
    document.updated_at = simulator.now()
    return Response(status_code=204)


async def delete_document(request: Request, simulator: Simulator) -> Response:
    del simulator.library.documents[_document(request, simulator).id]
    return Response(status_code=204)


def _document(request: Request, simulator: Simulator) -> Document:
    document = simulator.library.documents.get(request.path_params["document_id"])
    if document is None:
        raise ApiError(404, "Document not found")
    return document


# Voices


async def create_voice(request: Request, simulator: Simulator) -> Response:
    """200 `{"id"}`."""
    create = await read_create(request, simulator)
    return create.answer({"id": add_voice(simulator, create, str(uuid.uuid4())).id})


def add_voice(simulator: Simulator, create: Create, voice_id: str) -> Voice:
    """Add a voice; raises ApiError 400."""
    body, now = create.body, simulator.now()
    findings = must_pass(request_check("VoiceCreateParams"), body)
    _unless_issues(findings, resolve(findings, simulator))
    voice = Voice(
        id=voice_id,
        name=body["name"],
        description=body.get("description"),
        created_at=now,
        ready_at=now + _processing(simulator, create.scenario, VOICE_SECONDS),
        failure=create.scenario.fail,
    )
    simulator.library.voices[voice_id] = voice
    return voice


async def list_voices(request: Request, simulator: Simulator) -> Response:
    now, link, voices = simulator.now(), linker(request, simulator), simulator.library.voices.values()

    def show(voice: Voice) -> dict[str, Any]:
        return voice_json(voice, now, link)

    return JSONResponse(page(request.query_params, voices, lambda each: (each.created_at, each.id), show))


async def read_voice(request: Request, simulator: Simulator) -> Response:
    return JSONResponse(voice_json(_voice(request, simulator), simulator.now(), linker(request, simulator)))


async def change_voice(request: Request, simulator: Simulator) -> Response:
    """200 with the whole voice."""
    voice, create = _voice(request, simulator), await read_create(request, simulator)
    must_pass(request_check("VoiceUpdateParams"), create.body)
    voice.name = create.body.get("name", voice.name)
    voice.description = create.body.get("description", voice.description)
    return create.answer(voice_json(voice, simulator.now(), linker(request, simulator)))


async def delete_voice(request: Request, simulator: Simulator) -> Response:
    del simulator.library.voices[_voice(request, simulator).id]
    return Response(status_code=204)


async def preview_voice(request: Request, simulator: Simulator) -> Response:
    """200 `{"url", "durationSecs"}`."""
    create = await read_create(request, simulator)
    must_pass(request_check("VoicePreviewParams"), create.body)
    preview_id = str(uuid.uuid4())
    simulator.previews[preview_id] = Clip(0, 0, PREVIEW_SECONDS, None, hue_of(create.body["prompt"]))
    url = linker(request, simulator)(preview_id, "mp3")
    return create.answer({"url": url, "durationSecs": float(PREVIEW_SECONDS)})


def _voice(request: Request, simulator: Simulator) -> Voice:
    voice = simulator.library.voices.get(request.path_params["voice_id"])
    if voice is None:
        raise ApiError(404, "Voice not found")
    return voice
