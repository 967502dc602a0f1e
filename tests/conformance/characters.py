"""Avatars, and the documents and voices that they have."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from runwayml import NotFoundError

from tests.conformance.cases import Cases, Stage
from tests.conformance.generations import AUDIO, IMAGE
from tests.conformance.sdks import Sdk

CASES = Cases()

NARRATOR = {"type": "text", "model": "eleven_ttv_v3", "prompt": "a warm steady narrator voice"}


async def ready(sdk: Sdk, method: str, record_id: str) -> Any:
    """Avatars and voices are PROCESSING first; the SDK has no waiter for them."""
    for _ in range(600):
        found = await sdk(method, record_id)
        if found.status != "PROCESSING":
            break
        await asyncio.sleep(0.1)
    assert found.status == "READY"
    return found


async def gone(sdk: Sdk, method: str, record_id: str) -> None:
    with pytest.raises(NotFoundError):
        await sdk(method, record_id)


@CASES.covering("documents.create", "documents.retrieve", "documents.update", "documents.list", "documents.delete")
async def documents_are_kept(sdk: Sdk, stage: Stage | None) -> None:
    made = [(await sdk("documents.create", name=f"FAQ {number}", content="# hi")).id for number in range(3)]
    await sdk("documents.update", made[0], name="Answers", content="# ho")
    first = await sdk("documents.retrieve", made[0])
    assert (first.name, first.content, first.type, first.used_by) == ("Answers", "# ho", "text", [])

    listed = await sdk.listed("documents.list", limit=2, order="asc", sort="createdAt")
    assert [each.id for each in listed if each.id in made] == made
    await sdk("documents.delete", made[0])
    await gone(sdk, "documents.retrieve", made[0])
    left = {each.id for each in await sdk.listed("documents.list", limit=50, order="desc", sort="updatedAt")}
    assert left & set(made) == set(made[1:])


@CASES.covering("voices.create", "voices.retrieve", "voices.update", "voices.list", "voices.delete", "voices.preview")
async def voices_are_made_of_words_and_of_sound(sdk: Sdk, stage: Stage | None) -> None:
    preview = await sdk("voices.preview", model=NARRATOR["model"], prompt=NARRATOR["prompt"])
    assert httpx.get(preview.url, trust_env=False).headers["content-type"] == "audio/mpeg"

    warm = (await sdk("voices.create", name="warm", from_=NARRATOR)).id
    mine = (await sdk("voices.create", name="mine", from_={"type": "audio", "audio": AUDIO})).id
    sample = await ready(sdk, "voices.retrieve", warm)
    assert httpx.get(sample.preview_url, trust_env=False).headers["content-type"] == "audio/mpeg"
    assert (await sdk("voices.update", warm, description="deep")).description == "deep"
    assert {warm, mine} <= {each.id for each in await sdk.listed("voices.list", limit=1)}
    for voice in (warm, mine):
        await sdk("voices.delete", voice)
        await gone(sdk, "voices.retrieve", voice)


@CASES.covering("avatars.create", "avatars.retrieve", "avatars.update", "avatars.list", "avatars.delete")
async def an_avatar_has_a_voice_and_knowledge(sdk: Sdk, stage: Stage | None) -> None:
    documents = [(await sdk("documents.create", name=f"FAQ {number}", content="# hi")).id for number in range(2)]
    voice = (await sdk("voices.create", name="warm", from_=NARRATOR)).id
    await ready(sdk, "voices.retrieve", voice)
    made = await sdk(
        "avatars.create",
        name="Nova",
        personality="kind",
        reference_image=IMAGE,
        voice={"type": "custom", "id": voice},
        document_ids=documents,
        start_script="Hi",
    )
    avatar = await ready(sdk, "avatars.retrieve", made.id)
    assert (avatar.id, avatar.name, avatar.personality, avatar.start_script) == (made.id, "Nova", "kind", "Hi")
    assert (avatar.voice.name, avatar.voice.deleted, avatar.document_ids) == ("warm", False, documents)

    changed = await sdk("avatars.update", made.id, start_script=None, document_ids=documents[1:])
    assert (changed.start_script, changed.document_ids) == (None, documents[1:])
    assert [user.id for user in (await sdk("documents.retrieve", documents[1])).used_by] == [made.id]
    assert made.id in [each.id for each in await sdk.listed("avatars.list", limit=50)]

    await sdk("voices.delete", voice)
    assert (await sdk("avatars.retrieve", made.id)).voice.deleted
    await sdk("avatars.delete", made.id)
    await gone(sdk, "avatars.retrieve", made.id)
    assert made.id not in [each.id for each in await sdk.listed("avatars.list", limit=50)]
