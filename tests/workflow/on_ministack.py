"""Runs a case on the state machine interpreter of the local AWS, in this process, with scripted functions."""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import stepfunctions

from tests.workflow.machines import ACCOUNT, REGION, ROLE_ARN, Definitions, execution_arn, state_machine_arn
from tests.workflow.scripts import Case, FunctionFailed, Run, Script


def run(definitions: Definitions, case: Case) -> Run:
    """The course of the case's execution. Raises ValueError for a definition that ministack does not accept."""
    # A context of its own: account and region are set for this run only.
    return contextvars.copy_context().run(_run, definitions, case)


def _run(definitions: Definitions, case: Case) -> Run:
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    script = Script(case.steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepfunctions, "_call_lambda", _invoker(script))
        patch.setattr(stepfunctions, "_scaled_sleep", script.pauses.append)
        patch.setattr(stepfunctions, "time", SimpleNamespace(sleep=lambda _: None, time=time.time))
        try:
            for name, definition in definitions.items():
                _accepted(stepfunctions._create_state_machine, _machine(name, json.dumps(definition)))
            _accepted(
                stepfunctions._start_sync_execution,
                {
                    "stateMachineArn": state_machine_arn(case.machine),
                    "name": case.name,
                    "input": json.dumps(case.given),
                },
            )
            ended = stepfunctions._executions[execution_arn(case.machine, case.name)]
        finally:
            stepfunctions.reset()
    visited = [
        event["stateEnteredEventDetails"]["name"] for event in ended["events"] if "stateEnteredEventDetails" in event
    ]
    return script.run(visited, ended["output"], ended.get("error"), ended.get("cause"))


def _machine(name: str, definition: str) -> dict[str, Any]:
    return {"name": name, "definition": definition, "roleArn": ROLE_ARN}


def _accepted(action: Callable[[dict[str, Any]], tuple[int, Any, Any]], request: dict[str, Any]) -> None:
    status, _, body = action(request)
    if status >= 400:
        raise ValueError(body)


def _invoker(script: Script) -> Callable[[str, Any], dict[str, Any]]:
    def invoke(function: str, payload: Any) -> dict[str, Any]:
        try:
            return script.invoke(function.rsplit(":", 1)[-1], payload)
        except FunctionFailed as failed:
            raise stepfunctions._ExecutionError(failed.crash.error, json.dumps(failed.crash.cause)) from failed

    return invoke
