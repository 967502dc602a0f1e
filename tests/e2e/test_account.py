"""Limits, balance and usage: Runway's through the official SDK, and the caller's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from runwayml import BadRequestError, DefaultHttpxClient, PermissionDeniedError, RunwayML

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import image_to_video, text_to_video
from tests.e2e.simulator import Simulator


@pytest.fixture
def runway(api: Api) -> Iterator[RunwayML]:
    http = DefaultHttpxClient(trust_env=False)
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as client:
        yield client


def test_the_sdk_reads_the_organization(runway: RunwayML, simulator: Simulator) -> None:
    found = runway.organization.retrieve()
    assert found.credit_balance > 0
    assert found.tier.models["gen4_turbo"].max_concurrent_generations
    direct = simulator.http.get("/v1/organization").raise_for_status().json()
    assert found.tier.max_monthly_credit_spend == direct["tier"]["maxMonthlyCreditSpend"]


def test_the_sdk_reads_its_usage(api: Api, runway: RunwayML) -> None:
    api.ended(api.create("image_to_video", image_to_video()))
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for found in (
        runway.organization.retrieve_usage(),
        runway.organization.retrieve_usage(start_date=tomorrow - timedelta(days=2), before_date=tomorrow),
    ):
        assert "gen4_turbo" in found.models
        assert any(credit.amount > 0 for day in found.results for credit in day.used_credits)


def test_an_invalid_range_is_reported_with_runways_reason(runway: RunwayML) -> None:
    with pytest.raises(BadRequestError) as refused:
        runway.organization.retrieve_usage(start_date="2026-01-01", before_date="2026-12-31")
    assert "90 days" in str(refused.value.body)


def test_own_usage_counts_own_tasks(api: Api, deployment: Deployment) -> None:
    done = api.create("image_to_video", image_to_video())
    cancelled = api.create("text_to_video", text_to_video("seconds=900"))
    api.seen(cancelled, "RUNNING")
    assert api.delete(cancelled) == 204
    for task_id in (done, cancelled):
        api.ended(task_id)
        deployment.announced(task_id)
    assert api.delete(done) == 204

    usage = api.http.get("/v1/usage").raise_for_status().json()
    rows = {row.id: row for row in deployment.rows_of(api.client)}
    assert usage["total"]["tasks"] == 2
    assert usage["byStatus"] == {"CANCELLED": 1, "SUCCEEDED": 1}
    assert usage["total"]["spentCredits"] == sum(row.cost_credits or 0 for row in rows.values())
    assert {entry["model"] for day in usage["results"] for entry in day["models"]} == {"gen4_turbo", "veo3.1_fast"}
    assert usage["isComplete"] is True

    past = api.http.get("/v1/usage", params={"startDate": "2025-01-01", "beforeDate": "2025-02-01"})
    assert past.json()["total"]["tasks"] == 0
    assert api.http.get("/v1/usage", params={"startDate": "soon"}).status_code == 400


def test_a_key_needs_the_scope(deployment: Deployment) -> None:
    with Api.of_new_client(deployment, scopes=("tasks", "uploads")) as api:
        assert api.http.get("/v1/usage").status_code == 403
        http = DefaultHttpxClient(trust_env=False)
        with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as runway:
            with pytest.raises(PermissionDeniedError):
                runway.organization.retrieve()
            with pytest.raises(PermissionDeniedError):
                runway.organization.retrieve_usage()
