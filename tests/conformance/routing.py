"""Model routers, what they choose, and the web application's records."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from runwayml import NotFoundError

from tests.conformance.cases import Cases, Stage
from tests.conformance.generations import AT_ONCE
from tests.conformance.sdks import Sdk

CASES = Cases()


@CASES.covering(
    "routers.create",
    "routers.retrieve",
    "routers.update",
    "routers.list",
    "routers.list_requests",
    "routers.delete",
    "generate.image.create",
)
async def a_router_is_made_used_and_changed(sdk: Sdk, stage: Stage | None) -> None:
    slug = f"r{uuid.uuid4().hex[:12]}"
    router = await sdk(
        "routers.create", slug=slug, settings={"optimize_for": "cost", "max_credits_per_generation": {"image": 99}}
    )
    assert (router.slug, router.name, router.version) == (slug, slug, 1)
    created = await sdk(
        "generate.image.create", config_id=slug, input={"prompt_text": f"a lamp {AT_ONCE}", "aspect_ratio": "16:9"}
    )
    assert len((await sdk.waited(created)).output) == 1

    [request] = await sdk.listed("routers.list_requests", router.id, limit=1)
    assert request.status == "routed"
    assert request.model
    changed = await sdk("routers.update", router.id, name="Cheap", settings={"max_credits_per_generation": None})
    assert (changed.name, changed.version, changed.settings.optimize_for) == ("Cheap", 2, "cost")
    assert slug in [each.slug for each in await sdk.listed("routers.list", limit=1)]
    assert (await sdk("routers.retrieve", router.id)).settings.schema_version == 1
    await sdk("routers.delete", router.id)
    with pytest.raises(NotFoundError):
        await sdk("routers.retrieve", router.id)


@CASES.covering(
    "organization.webapp.list_usage",
    "organization.webapp.audit_logs.list",
    "organization.webapp.audit_logs.retrieve",
)
async def the_web_applications_records_are_read(sdk: Sdk, stage: Stage | None) -> None:
    now = datetime.now(UTC)
    charges = await sdk.listed("organization.webapp.list_usage", limit=1, from_=now - timedelta(days=1), to=now)
    assert [charge.type for charge in charges] == ["charge", "charge"]
    events = await sdk.listed("organization.webapp.audit_logs.list", limit=1)
    assert len(events) == 2
    event = await sdk("organization.webapp.audit_logs.retrieve", events[1].event_id)
    assert event.event_id == events[1].event_id
