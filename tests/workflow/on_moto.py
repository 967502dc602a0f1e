"""Runs a case on moto's state machine interpreter, with scripted functions, jsonata-python and no real waiting."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from tests.workflow.machines import ACCOUNT, REGION, ROLE_ARN, Definitions, execution_arn, state_machine_arn
from tests.workflow.scripts import Case, FunctionFailed, Run, Runaway, Script

NEEDED = {"film": ("film", "generation")}
"""The machines that a machine's executions need, where it starts others."""
LAST_RESORT_SECONDS = 60.0
"""An execution that runs for longer hangs."""

# Both the machine's creation and each execution parse the definition, which is the slowest part of a short run.
_parsed = functools.cache(AmazonStateLanguageParser.parse)


def run(definitions: Definitions, case: Case) -> Run:
    """The course of the case's execution. Raises ClientError for a definition that moto does not accept."""
    script = Script(case.steps)
    with _seams(script), mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        machines = _client()
        for name in NEEDED.get(case.machine, (case.machine,)):
            machines.create_state_machine(name=name, definition=json.dumps(definitions[name]), roleArn=ROLE_ARN)
        started = machines.start_execution(
            stateMachineArn=state_machine_arn(case.machine), name=case.name, input=json.dumps(case.given)
        )
        assert started["executionArn"] == execution_arn(case.machine, case.name)
        execution = _ended(started["executionArn"], script)
        entered = [
            event["stateEnteredEventDetails"]["name"]
            for event in execution.to_history_output()["events"]
            if "stateEnteredEventDetails" in event
        ]
        own = definitions[case.machine]["States"]
        visited = [name for name in entered if name in own]
        ended = machines.describe_execution(executionArn=started["executionArn"])
        return script.run(visited, ended.get("output"), ended.get("error"), ended.get("cause"))


@functools.cache
def _client() -> Any:
    return boto3.client("stepfunctions", region_name=REGION, aws_access_key_id="id", aws_secret_access_key="key")


def _ended(arn: str, script: Script) -> Any:
    """moto's own record of the execution, when it has ended. The API would give the same, but takes most of a test."""
    execution = stepfunctions_parser_backends[ACCOUNT][REGION].describe_execution(execution_arn=arn)
    deadline = time.monotonic() + LAST_RESORT_SECONDS
    while execution.status == "RUNNING":
        if script.runaway:
            raise Runaway(arn)
        assert time.monotonic() < deadline, f"the execution {arn} does not end"
        time.sleep(0.005)
    return execution


@contextmanager
def _seams(script: Script) -> Iterator[None]:
    """Replaces what moto would take from Lambda, Java and the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto_jsonata, "_eval_jsonata", _evaluate)
        patch.setattr(lambda_eval_utils, "_invoke_lambda_function", _invoker(script))
        patch.setattr(
            WaitFunction, "_wait_interval", lambda _self, env, wait_seconds: script.pauses.append(wait_seconds)
        )
        patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=script.pauses.append))
        patch.setattr(jitter_strategy_decl, "random", SimpleNamespace(uniform=max))
        # It reads the ending of a child execution in turns of 100 ms.
        patch.setattr(state_task_service_callback, "time", SimpleNamespace(sleep=lambda _: time.sleep(0.02)))
        patch.setattr(StateTaskServiceSfn, "_eval_service_task", _start_child)
        patch.setattr(StateTaskServiceSfn, "_normalise_response", _capitalise)
        # moto rejects States.TaskFailed as the error of a Map's item.
        patch.setattr(iteration_worker, "CustomErrorName", ErrorName)
        patch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parsed))
        yield


def _invoker(script: Script) -> Callable[..., dict[str, Any]]:
    def invoke(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        function = parameters["FunctionName"].rsplit(":", 1)[-1]
        try:
            answer = script.invoke(function, json.loads(parameters["Payload"]))
        except FunctionFailed as failed:
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": failed.crash.cause}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": answer}

    return invoke


def _start_child(self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, **_: Any) -> None:
    """moto passes StateMachineArn, Name and Input to an API that spells them in lower case."""
    request = {key[0].lower() + key[1:]: value for key, value in normalised_parameters.items()}
    env.stack.append({"ExecutionArn": _client().start_execution(**request)["executionArn"]})


def _capitalise(self: Any, response: dict[str, Any], **_: Any) -> None:
    """Spells the description of the child execution as Step Functions does in the result of a task."""
    for key in list(response):
        response[key[0].upper() + key[1:]] = response.pop(key)


def _evaluate(expression: str) -> Any:
    try:
        value = jsonata.Jsonata(expression).evaluate(None)
    except Exception as error:
        raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error
    return None if value is None else json.loads(json.dumps(value))
