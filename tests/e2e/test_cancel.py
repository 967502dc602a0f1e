"""DELETE: an active task is cancelled, here and at Runway; an ended one is hidden. The archive stays as it is."""

from __future__ import annotations

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import mark_of, text_to_video
from tests.e2e.simulator import Simulator


def test_a_running_task_is_cancelled_here_and_at_runway(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """204, CANCELLED at the very next read, nothing left running; the second DELETE finds nothing."""
    body = text_to_video("seconds=400")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "RUNNING")

    assert api.delete(task_id) == 204
    assert api.read(task_id)["status"] == "CANCELLED"
    assert api.delete(task_id) == 404
    (bought,) = simulator.creates(mark_of(body))
    assert (bought["status"], bought["deletedAt"] is not None) == ("CANCELLED", True)

    row = deployment.announced(task_id)
    assert (row.state, row.upstream_id) == ("CANCELLED", bought["id"])
    execution = deployment.execution(task_id)
    assert execution["status"] == "SUCCEEDED"
    assert deployment.visited(task_id)[-2:] == ["Ending", "Cancelled"]
    (notice,) = notices.of(task_id)
    assert (notice.attributes["type"], notice.body["outputs"]) == ("task.cancelled", [])
    assert api.read(task_id)["status"] == "CANCELLED"


def test_a_task_that_waits_for_quota_is_cancelled_before_anything_is_bought(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """No create follows a cancel: Runway would accept the second create, but never receives one."""
    body = text_to_video("create=429, times=1")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "THROTTLED")

    assert api.delete(task_id) == 204
    assert api.read(task_id)["status"] == "CANCELLED"
    assert api.delete(task_id) == 404

    row = deployment.announced(task_id)
    assert (row.state, row.attempt, row.upstream_id, row.cost_credits) == ("CANCELLED", 0, None, 0)
    assert simulator.creates(mark_of(body)) == []
    assert deployment.execution(task_id)["status"] == "SUCCEEDED"
    assert [notice.body["type"] for notice in notices.of(task_id)] == ["task.cancelled"]


def test_deleting_an_ended_task_hides_it_and_leaves_its_outputs_archived(api: Api, deployment: Deployment) -> None:
    """The client no longer sees the task; its paid outputs stay in the archive."""
    task_id = api.create("text_to_video", text_to_video())
    api.ended(task_id)
    deployment.announced(task_id)
    files = deployment.archived(task_id)
    assert len(files) == 1

    assert api.delete(task_id) == 204

    assert api.http.get(f"/v1/tasks/{task_id}").status_code == 404
    assert api.delete(task_id) == 404
    assert api.ids() == []
    assert deployment.archived(task_id) == files
    assert deployment.row(task_id).state == "SUCCEEDED"


def test_deleting_a_cancelled_task_again_answers_404(api: Api, deployment: Deployment) -> None:
    """Runway answers 404 to the DELETE of what was cancelled, and so does Tarmac once it has ended, too."""
    task_id = api.create("text_to_video", text_to_video("seconds=400"))
    assert api.delete(task_id) == 204
    deployment.announced(task_id)
    assert api.delete(task_id) == 404
    assert api.read(task_id)["status"] == "CANCELLED"
