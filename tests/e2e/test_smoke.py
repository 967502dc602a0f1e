"""`tarmac smoke` against a stack of its own, with IAM enforced: green as deployed, red without one permission."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.paths import ROOT
from local.permissions.calls import read_record
from local.process import free_port
from local.stack import running_stack
from tests.e2e.deployment import Deployment
from tests.e2e.shared import TIME_SCALE

# One stack for all tests of this file.
pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture(scope="module")
def calls_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The record of this stack alone, because one test causes denied calls."""
    file = tmp_path_factory.mktemp("smoke") / "calls.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CALLS_FILE", str(file))
        yield file


@pytest.fixture(scope="module")
def home(calls_file: Path) -> Path:
    return calls_file.parent / "home"


@pytest.fixture(scope="module")
def deployment(home: Path) -> Iterator[Deployment]:
    """A stack that may send webhooks to a free port, where `tarmac smoke` listens."""
    parameters = {"WebhookOrigins": f"http://127.0.0.1:{free_port()}", "AuthorizerCacheSeconds": "0"}
    with running_stack(home, time_scale=TIME_SCALE, parameters=parameters) as info, Deployment.of(info) as opened:
        yield opened


def smoke(home: Path, patience: int) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and state and detail of each check."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TARMAC_", "RUNWAYML_"))}
    answer = subprocess.run(
        [sys.executable, "-m", "local.cli", "smoke", "--json", "--patience", str(patience)],
        env=environment | {"TARMAC_HOME": str(home), "NO_PROXY": "127.0.0.1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.stdout, answer.stderr
    checks = json.loads(answer.stdout)["checks"]
    return answer.returncode, {each["check"]: (each["state"], each["detail"]) for each in checks}


def test_a_deployed_stack_passes_and_nothing_temporary_remains(
    deployment: Deployment, home: Path, calls_file: Path
) -> None:
    code, checks = smoke(home, patience=60)

    assert {check: found for check, found in checks.items() if found[0] != "ok"} == {}
    assert code == 0
    assert read_record(calls_file).denied == []
    uploads = deployment.clients.s3.list_objects_v2(Bucket=deployment.info.upload_bucket, Prefix="inbox/")
    archived = deployment.clients.s3.list_objects_v2(Bucket=deployment.info.archive_bucket)
    assert (uploads["KeyCount"], archived["KeyCount"]) == (0, 0)
    assert not deployment.clients.sqs.list_queues(QueueNamePrefix="smoke-").get("QueueUrls")
    keys = deployment.clients.dynamodb.scan(
        TableName=deployment.info.tasks_table,
        FilterExpression="sk = :key",
        ExpressionAttributeValues={":key": {"S": "key"}},
    )["Items"]
    assert [key["clientId"]["S"] for key in keys] == ["local"]


def test_a_missing_permission_fails_the_check_that_needs_it(
    deployment: Deployment, home: Path, calls_file: Path
) -> None:
    """AcceptUpload may not start executions: the task from the S3 inbox is recorded, but never runs."""
    with without(deployment, "AcceptUpload", "StartGenerations"):
        code, checks = smoke(home, patience=6)

    assert code == 1
    failed = [check for check, (state, _) in checks.items() if state != "ok"]
    assert failed == ["the task from S3 reaches Runway", "notices arrive"]
    denied = {(call.principal, call.action) for call in read_record(calls_file).denied}
    assert denied == {("AcceptUpload", "states:StartExecution")}


@contextmanager
def without(deployment: Deployment, function: str, sid: str) -> Iterator[None]:
    """Remove one statement from the role of a function during a `with` block."""
    with closing(deployment.client("iam")) as iam:
        role = deployment.physical(f"{function}Role")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        # SAM adds policies of its own beside the function's.
        [name] = [each for each in names if each == f"{function}RolePolicy0"]
        policy: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        left = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
        assert len(left) == len(policy["Statement"]) - 1
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**policy, "Statement": left}))
        try:
            yield
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
