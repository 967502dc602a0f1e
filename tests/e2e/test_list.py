"""GET /v1/tasks: a client's own tasks, newest first, a page at a time."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import text_to_video


def page(api: Api, **query: str) -> dict[str, Any]:
    answer = api.http.get("/v1/tasks", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"data", "hasMore", "nextCursor"}
    assert found["hasMore"] == (found["nextCursor"] is not None)
    return found


def test_a_client_without_tasks_has_an_empty_list(api: Api) -> None:
    assert page(api) == {"data": [], "hasMore": False, "nextCursor": None}


def test_tasks_are_listed_newest_first_by_page_and_by_status(api: Api, deployment: Deployment) -> None:
    """Each task once, as a single read shows it, and no task of another client."""
    with Api.of_new_client(deployment) as other:
        foreign = other.create("text_to_video", text_to_video())
        scenarios = ["seconds=3", "seconds=3, fail=ASSET.INVALID", "seconds=3", "seconds=2000", "seconds=3"]
        ids = [api.create("text_to_video", text_to_video(scenario)) for scenario in scenarios]
        ended = [task_id for task_id, scenario in zip(ids, scenarios, strict=True) if scenario != "seconds=2000"]
        for task_id in ended:
            api.ended(task_id)
        running = ids[3]
        api.seen(running, "RUNNING")

        newest_first = ids[::-1]
        assert api.ids() == newest_first

        first = page(api, limit="2")
        second = page(api, limit="2", cursor=first["nextCursor"])
        third = page(api, limit="2", cursor=second["nextCursor"])
        listed = [[task["id"] for task in each["data"]] for each in (first, second, third)]
        assert listed == [newest_first[:2], newest_first[2:4], newest_first[4:]]
        assert [each["hasMore"] for each in (first, second, third)] == [True, True, False]

        assert api.ids(status="SUCCEEDED") == [ids[4], ids[2], ids[0]]
        assert api.ids(status="FAILED") == [ids[1]]
        assert api.ids(status="RUNNING") == [running]
        assert api.ids(status="CANCELLED") == api.ids(status="PENDING") == []
        assert [task["id"] for task in page(api, limit="1", status="FAILED")["data"]] == [ids[1]]

        shown = {task["id"]: task for task in page(api)["data"]}
        failed = api.read(ids[1])
        assert shown[ids[1]] == failed
        link = httpx.get(shown[ids[0]]["output"][0], trust_env=False, timeout=30)
        assert (link.status_code, link.headers["content-type"]) == (200, "video/mp4")

        # A cursor of another client's list leads nowhere near its tasks.
        assert {task["id"] for task in page(other, cursor=first["nextCursor"])["data"]} <= {foreign}

        assert api.delete(running) == 204
        assert api.ids(status="CANCELLED") == [running]
        assert api.delete(ids[0]) == 204
        assert api.ids() == newest_first[:-1]
        deployment.announced(running)
