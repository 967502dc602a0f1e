"""Settings, stack.json, and the environment of the local AWS."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from local.aws.ministack import Ministack
from local.errors import LocalError
from local.paths import Home
from local.stack import SIMULATOR_KEY, Stack, StackInfo

INFO = StackInfo(
    api_url="http://127.0.0.1:4566/_aws/execute-api/tarmac/$default",
    api_key="key_" + "0" * 128,
    aws_endpoint_url="http://127.0.0.1:4566",
    region="us-east-1",
    upload_bucket="uploads",
    archive_bucket="archive",
    topic_arn="arn:aws:sns:us-east-1:000000000000:notices",
    notice_queue_url="http://127.0.0.1:4566/000000000000/notices",
    generation_state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:tarmac-generation",
    session_state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:tarmac-session",
    tasks_table="tasks",
    runway_base_url="http://127.0.0.1:4577",
    runway_secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:runway",
    time_scale=0.02,
    pids={"aws": 1},
)


def test_stack_json_round_trip(tmp_path: Path) -> None:
    INFO.save(tmp_path / "stack.json")
    assert StackInfo.load(tmp_path / "stack.json") == INFO


def test_stack_json_has_the_documented_names_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    INFO.save(path)
    assert set(json.loads(path.read_text())) >= {
        *("apiUrl", "apiKey", "awsEndpointUrl", "region", "uploadBucket", "archiveBucket", "topicArn"),
        *("noticeQueueUrl", "generationStateMachineArn", "tasksTable", "runwayBaseUrl"),
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_or_invalid_stack_json_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="make up"):
        StackInfo.load(tmp_path / "stack.json")
    (tmp_path / "stack.json").write_text("{}")
    with pytest.raises(LocalError, match="make up"):
        StackInfo.load(tmp_path / "stack.json")


def test_without_settings_the_upstream_is_the_simulator() -> None:
    stack = Stack.from_environment({})
    assert (stack.port, stack.simulator_port, stack.time_scale) == (4566, 4577, 1.0)
    assert stack.upstream.simulated
    assert stack.upstream.base_url == stack.upstream.output_origins == "http://127.0.0.1:4577"


def test_a_key_selects_runway_itself_and_any_public_output() -> None:
    upstream = Stack.from_environment({"RUNWAYML_API_SECRET": "key_real"}).upstream
    assert not upstream.simulated
    assert (upstream.base_url, upstream.key) == ("https://api.dev.runwayml.com", "key_real")
    assert upstream.output_origins == ""


def test_another_address_without_a_key_gets_the_simulators_key() -> None:
    upstream = Stack.from_environment({"RUNWAYML_BASE_URL": "http://localhost:9000/v"}).upstream
    assert not upstream.simulated
    assert (upstream.base_url, upstream.key) == ("http://localhost:9000/v", SIMULATOR_KEY)
    assert upstream.output_origins == "http://localhost:9000"


@pytest.mark.parametrize(("name", "value"), [("PORT", "http"), ("TIME_SCALE", "0"), ("SIMULATOR_PORT", "-1")])
def test_an_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(LocalError, match=f"{name}={value}"):
        Stack.from_environment({name: value})


def test_the_developers_environment_does_not_reach_functions(tmp_path: Path) -> None:
    shell = {
        "PATH": "/bin",
        "RUNWAYML_API_SECRET": "key_real",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_ENDPOINT_URL": "https://elsewhere",
        "HTTPS_PROXY": "http://proxy",
        "PYTHONPATH": "/elsewhere",
    }
    seen = Ministack(Home(tmp_path), 4566, 0.02).environment(shell)
    assert {name: seen[name] for name in shell if name in seen} == {"PATH": "/bin", "AWS_ACCESS_KEY_ID": "test"}
    assert seen["BIND_HOST"] == "127.0.0.1"
    assert seen["TIME_SCALE"] == seen["SFN_WAIT_SCALE"] == "0.02"


def test_a_proxy_is_used_only_for_an_upstream_on_the_internet(tmp_path: Path) -> None:
    shell = {"HTTPS_PROXY": "http://proxy"}
    seen = Ministack(Home(tmp_path), 4566, 1, internet=True).environment(shell)
    assert seen["HTTPS_PROXY"] == "http://proxy"
    assert "127.0.0.1" in seen["NO_PROXY"]


def test_the_state_is_moved_aside_after_a_kill(tmp_path: Path) -> None:
    """With old tables, tasks that were paid for could appear unsubmitted."""
    home = Home(tmp_path)
    home.create()
    (home.state / "table").touch()
    home.unsaved.touch()
    assert Ministack(home, 4566, 1).set_lost_state_aside()
    assert (home.lost / "table").exists()
    assert not home.state.exists()


def test_the_state_stays_after_a_clean_end(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    (home.state / "table").touch()
    assert not Ministack(home, 4566, 1).set_lost_state_aside()
    assert (home.state / "table").exists()


def test_down_before_any_up_does_nothing(tmp_path: Path) -> None:
    assert not Stack(home=tmp_path / "never").down()
