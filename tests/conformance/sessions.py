"""Live sessions, and the conversations that they leave behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from runwayml import NotFoundError

from tests.conformance.cases import Cases, Stage
from tests.conformance.sdks import Sdk

CASES = Cases()

CAT: Final = {"type": "runway-preset", "preset_id": "cat-character"}
ENDED: Final = ("COMPLETED", "FAILED", "CANCELLED")


async def seen(sdk: Sdk, session_id: str, *statuses: str) -> Any:
    for _ in range(600):
        found = await sdk("realtime_sessions.retrieve", session_id)
        if found.status in statuses:
            break
        assert found.status not in ENDED, found
        await asyncio.sleep(0.1)
    assert found.status in statuses
    return found


@CASES.covering(
    "realtime_sessions.create",
    "realtime_sessions.retrieve",
    "avatar_conversations.list",
    "avatar_conversations.retrieve",
    "avatar_conversations.delete",
    "avatars.get_usage",
)
async def a_call_leaves_a_conversation(sdk: Sdk, stage: Stage | None) -> None:
    created = await sdk(
        "realtime_sessions.create",
        model="gwm1_avatars",
        avatar=CAT,
        max_duration=20,
        tools=[{"type": "client_event", "name": "show", "description": "Show it"}],
    )
    waiting = await seen(sdk, created.id, "READY")
    claimed = httpx.post(
        f"{str(sdk.client.base_url).rstrip('/')}/v1/realtime_sessions/{created.id}/consume",
        headers={"Authorization": f"Bearer {waiting.session_key}"},
        trust_env=False,
        timeout=30,
    )
    assert set(claimed.json()) == {"url", "token", "roomName"}
    assert (await seen(sdk, created.id, "COMPLETED")).duration == 20

    assert created.id in [each.id for each in await sdk.listed("avatar_conversations.list", limit=20)]
    conversation = await sdk("avatar_conversations.retrieve", created.id)
    assert conversation.status == "ended"
    assert [entry.role for entry in conversation.transcript] == ["assistant", "user", "assistant", "assistant"]
    assert conversation.transcript[2].tool_calls[0].name == conversation.tools[0].name == "show"
    recording = httpx.get(conversation.recording_url, trust_env=False, timeout=30)
    assert recording.headers["content-type"] == "video/mp4"

    now = datetime.now(UTC)
    usage = await sdk("avatars.get_usage", start_date=now - timedelta(days=2), end_date=now + timedelta(hours=1))
    assert usage.total_sessions == sum(day.sessions for day in usage.by_day) >= 1
    assert usage.total_seconds == sum(day.seconds for day in usage.by_day) >= 20

    await sdk("avatar_conversations.delete", created.id)
    with pytest.raises(NotFoundError):
        await sdk("avatar_conversations.retrieve", created.id)
    assert created.id not in [each.id for each in await sdk.listed("avatar_conversations.list", limit=20)]


@CASES.covering("realtime_sessions.create", "realtime_sessions.retrieve", "realtime_sessions.delete")
async def a_session_is_cancelled(sdk: Sdk, stage: Stage | None) -> None:
    created = await sdk("realtime_sessions.create", model="gwm1_avatars", avatar=CAT)
    await sdk("realtime_sessions.delete", created.id)
    assert (await seen(sdk, created.id, "CANCELLED")).id == created.id
