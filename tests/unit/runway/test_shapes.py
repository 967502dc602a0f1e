"""Responses about a task in every documented shape, and in some undocumented ones."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.runway.errors import UpstreamGone
from tarmac.runway.shapes import LARGEST_ROUTING, LONGEST_NODE_ERROR, MOST_NODE_ERRORS, parse_task, routing_of

LINKS = ["https://cdn.example/1.mp4", "https://cdn.example/2.mp4"]
BARE = {"id": "up-1", "status": "SUCCEEDED", "output": LINKS, "cost": {"credits": 25}}


class TestEnvelope:
    """CometAPI's."""

    @pytest.mark.parametrize(
        "answer", [BARE, {"code": "success", "message": "", "data": {"status": "X", "data": BARE}}]
    )
    def test_the_response_is_runways_inner_object(self, answer: dict[str, Any]) -> None:
        task = parse_task("up-1", answer)
        assert (task.status, list(task.output), task.cost_credits, task.nodes) == ("SUCCEEDED", LINKS, 25.0, None)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("NOT_START", "PENDING"),
            ("SUBMITTED", "PENDING"),
            ("QUEUED", "PENDING"),
            ("IN_PROGRESS", "RUNNING"),
            ("SUCCESS", "SUCCEEDED"),
            ("FAILURE", "FAILED"),
            ("A_STATUS_OF_TOMORROW", "A_STATUS_OF_TOMORROW"),
        ],
    )
    @pytest.mark.parametrize("inner", [None, {}, {"id": "up-1"}])
    def test_without_runways_object_has_the_envelopes_fields(self, status: str, expected: str, inner: Any) -> None:
        data = {"task_id": "up-1", "status": status, "progress": "40%", "fail_reason": "It broke", "data": inner}
        task = parse_task("up-1", {"code": "success", "data": data})
        assert (task.status, task.progress, task.failure) == (expected, 0.4, "It broke")

    def test_has_the_envelopes_reason_if_runway_gives_none(self) -> None:
        inner = {"status": "FAILED", "failureCode": "INTERNAL"}
        task = parse_task("up-1", {"data": {"status": "FAILURE", "fail_reason": "Timed out", "data": inner}})
        assert (task.failure, task.failure_code) == ("Timed out", "INTERNAL")
        inner["failure"] = "It broke"
        assert parse_task("up-1", {"data": {"fail_reason": "Timed out", "data": inner}}).failure == "It broke"

    def test_of_a_task_that_is_not_there_yet(self) -> None:
        with pytest.raises(UpstreamGone):
            parse_task("up-1", {"code": "task_not_exist", "message": "task_not_exist", "data": None})

    @pytest.mark.parametrize("progress", ["", "much", None, "NaN", [], "40 %%"])
    def test_may_have_no_readable_progress(self, progress: Any) -> None:
        assert parse_task("up-1", {"data": {"status": "IN_PROGRESS", "progress": progress}}).progress is None


class TestInvocation:
    """A run of a workflow."""

    def test_has_outputs_by_node_in_an_order_of_their_own(self) -> None:
        """Outputs are numbered in that order, so the second output of one poll must not be the first of the next."""
        output = {"node-b": [LINKS[0]], "node-a": [LINKS[1], "https://cdn.example/3.png"]}
        there, back = (
            parse_task("workflow_invocations/i", {"status": "SUCCEEDED", "output": dict(items)})
            for items in (output.items(), reversed(output.items()))
        )
        assert there == back
        assert list(zip(there.nodes or (), there.output, strict=True)) == [
            ("node-a", LINKS[1]),
            ("node-a", "https://cdn.example/3.png"),
            ("node-b", LINKS[0]),
        ]

    @pytest.mark.parametrize("output", [{}, {"node": []}, {"node": None}, {"node": {"deeper": ["x"]}}, {"node": [7]}])
    def test_may_have_none(self, output: Any) -> None:
        task = parse_task("workflow_invocations/i", {"status": "SUCCEEDED", "output": output})
        assert (task.output, task.nodes) == ((), ())

    def test_has_the_errors_of_failed_nodes(self) -> None:
        errors = {
            "n-1": {"message": "No", "failureCode": "SAFETY.INPUT.TEXT", "nodeName": None},
            "n-2": {"message": "x"},
        }
        task = parse_task("workflow_invocations/i", {"status": "SUCCEEDED", "output": {}, "nodeErrors": errors})
        assert task.node_errors == {
            "n-1": {"message": "No", "failureCode": "SAFETY.INPUT.TEXT"},
            "n-2": {"message": "x"},
        }

    @pytest.mark.parametrize("errors", [None, [], "x", {"n": None}, {"n": []}, {"": {"message": "x"}}])
    def test_survives_errors_that_make_no_sense(self, errors: Any) -> None:
        assert parse_task("i", {"status": "RUNNING", "nodeErrors": errors}).node_errors == {}

    def test_has_no_more_errors_than_a_row_can_hold(self) -> None:
        errors = {f"n-{number}": {"message": "x" * 10**6, "nodeName": 7} for number in range(500)}
        stored = parse_task("i", {"status": "RUNNING", "nodeErrors": errors}).node_errors
        assert len(stored) == MOST_NODE_ERRORS
        assert all(
            len(error["message"]) == LONGEST_NODE_ERROR and error["nodeName"] == "7" for error in stored.values()
        )


@pytest.mark.parametrize("routing", [None, [], "x", {"x": "y" * LARGEST_ROUTING}, {"credits": float("nan")}])
def test_routing_that_a_row_cannot_hold_is_empty(routing: Any) -> None:
    assert routing_of({"routing": routing}) == {}
    assert routing_of({}) == {}


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"status": 7}, {"data": {}, "status": None}])
def test_a_malformed_task_is_an_error_or_has_not_ended(answer: Any) -> None:
    try:
        task = parse_task("up-1", answer)
    except ValueError:
        return
    assert not task.is_terminal
