"""What the SDKs have besides creates: tasks, uploads, the organization, workflows."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from runwayml import APIStatusError, NotFoundError, TaskFailedError

from tests.conformance.cases import Cases, Stage
from tests.conformance.sdks import Sdk
from tests.e2e.media import picture
from tests.e2e.requests import prompt

CASES = Cases()


def video(scenario: str) -> dict[str, Any]:
    return {"model": "gen4.5", "prompt_text": prompt(scenario), "ratio": "1280:720", "duration": 2}


@CASES.covering("tasks.retrieve", "tasks.delete")
async def a_task_is_read_cancelled_and_gone(sdk: Sdk, stage: Stage) -> None:
    created = await sdk("text_to_video.create", **video("seconds=2000"))
    assert created.estimated_cost.credits == 24
    task = await sdk("tasks.retrieve", created.id)
    assert (task.id, task.status) in [(created.id, status) for status in ("PENDING", "THROTTLED", "RUNNING")]
    assert task.created_at.tzinfo is not None

    await sdk("tasks.delete", created.id)
    assert (await sdk("tasks.retrieve", created.id)).status == "CANCELLED"
    with pytest.raises(NotFoundError):
        await sdk("tasks.delete", created.id)
    await stage.announced(created.id)


@CASES.covering("tasks.retrieve")
async def a_task_that_was_read_can_be_waited_for(sdk: Sdk, stage: Stage) -> None:
    """A task that another caller made can be waited for, and a failed one reports the reason."""
    failing = "pending=0, seconds=0, fail=SAFETY.INPUT.TEXT"
    good = await sdk("text_to_video.create", **video("pending=0, seconds=0"))
    bad = await sdk("text_to_video.create", **video(failing))
    outcomes: Sequence[Any] = await asyncio.gather(
        sdk.waited(await sdk("tasks.retrieve", good.id)),
        sdk.waited(await sdk("tasks.retrieve", bad.id)),
        return_exceptions=True,
    )
    found, failure = outcomes
    assert (found.id, found.status, len(found.output)) == (good.id, "SUCCEEDED", 1)
    assert isinstance(failure, TaskFailedError)
    assert failure.task_details.id == bad.id
    assert failure.task_details.failure_code == "SAFETY.INPUT.TEXT"


@CASES.covering("uploads.create_ephemeral")
async def a_file_is_uploaded_and_used(sdk: Sdk, stage: Stage) -> None:
    """In all the ways that the SDK takes a file; Runway gets the bytes."""
    named = io.BytesIO(picture())
    named.name = "lake.jpg"
    path = Path(stage.folder, "lake.jpg")
    path.write_bytes(picture())
    uploads = [
        await sdk("uploads.create_ephemeral", file=("lake.jpg", picture(), "image/jpeg")),
        await sdk("uploads.create_ephemeral", file=named, file_metadata="a note, and more"),
        await sdk("uploads.create_ephemeral", file=path),
    ]
    creates = [
        await sdk(
            "image_to_video.create",
            model="gen4_turbo",
            prompt_image=upload.uri,
            prompt_text=prompt("pending=0, seconds=0"),
            ratio="1280:720",
            duration=2,
        )
        for upload in uploads
    ]
    assert {upload.uri.partition("://")[0] for upload in uploads} == {"runway"}
    for created in creates:
        assert (await stage.ended(created.id))["status"] == "SUCCEEDED"


@CASES.covering("uploads.create_ephemeral")
async def a_file_that_storage_refuses_is_an_error(sdk: Sdk, stage: Stage) -> None:
    with pytest.raises(APIStatusError) as refused:
        await sdk("uploads.create_ephemeral", file=("small.png", b"x" * 100))
    assert refused.value.status_code == 400


@CASES.covering("organization.retrieve", "organization.retrieve_usage")
async def the_organization_is_runways_own(sdk: Sdk, stage: Stage) -> None:
    direct = stage.simulator.http.get("/v1/organization").raise_for_status().json()
    found = await sdk("organization.retrieve")
    assert found.credit_balance > 0
    assert found.tier.max_monthly_credit_spend == direct["tier"]["maxMonthlyCreditSpend"]
    assert set(found.tier.models) == set(direct["tier"]["models"])
    assert set(found.usage.models) == set(direct["usage"]["models"])

    created = await sdk("text_to_video.create", **video("pending=0, seconds=0"))
    await stage.announced(created.id)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for span in ({}, {"start_date": tomorrow - timedelta(days=2), "before_date": tomorrow}):
        usage = await sdk("organization.retrieve_usage", **span)
        assert "gen4.5" in usage.models
        assert any(credit.amount > 0 for day in usage.results for credit in day.used_credits)
