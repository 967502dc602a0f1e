"""The `tarmac` command against the running stack, as an operator types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local.paths import ROOT
from local.stack import SIMULATOR_KEY, StackInfo
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import picture
from tests.e2e.requests import QUICK, image_to_video, prompt, text_to_video
from tests.e2e.shared import shared_stack
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually

Tarmac = Callable[..., "subprocess.CompletedProcess[str]"]
FOREIGN = ("TARMAC_", "RUNWAYML_", "PORT", "SIMULATOR_PORT", "TIME_SCALE", "CORS_ORIGINS")


def run(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return subprocess.run(
        [sys.executable, "-m", "local.cli", *arguments],
        input=typed,
        env=environment | {"TARMAC_HOME": str(home), "NO_PROXY": "127.0.0.1", "COLUMNS": "200"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def tarmac(stack: StackInfo, stack_home: Path) -> Tarmac:
    """The command, pointed to the shared stack."""
    return lambda *arguments, typed="": run(stack_home, *arguments, typed=typed)


@pytest.fixture
def secret(deployment: Deployment) -> Iterator[str]:
    """The ARN of a Runway secret as a fresh deployment leaves it, beside the one that the stack's tasks are bought
    with."""
    secrets = deployment.clients.secrets
    arn = secrets.create_secret(Name=f"secret-{uuid.uuid4().hex}", SecretString="unset")["ARN"]
    yield arn
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def fresh(stack: StackInfo, stack_home: Path, secret: str, tmp_path: Path) -> Tarmac:
    """The command, pointed to a stack that is the shared one but for its secret."""
    described = json.loads((stack_home / "stack.json").read_text()) | {"runwaySecretArn": secret}
    (tmp_path / "stack.json").write_text(json.dumps(described))
    return lambda *arguments, typed="": run(tmp_path, *arguments, typed=typed)


def status_with(stack: StackInfo, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{stack.api_url}/v1/tasks", headers=headers, trust_env=False, timeout=30).status_code


def test_a_client_is_created_listed_and_revoked(tarmac: Tarmac, stack: StackInfo) -> None:
    """The key is printed once, works at once, is listed without itself, and stops working."""
    name = f"cli-{uuid.uuid4().hex[:10]}"

    made = tarmac("clients", "create", name, "--scope", "tasks", "--scope", "account", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    created = json.loads(made.stdout)
    assert (created["client"], created["scopes"]) == (name, ["account", "tasks"])
    assert status_with(stack, created["key"]) == 200

    listed = tarmac("clients", "list", "--json")
    assert listed.returncode == 0
    (entry,) = [each for each in json.loads(listed.stdout) if each["client"] == name]
    assert entry["scopes"] == ["account", "tasks"]
    assert created["key"] not in listed.stdout
    assert f"{name} " in tarmac("clients", "list").stdout

    revoked = tarmac("clients", "revoke", typed=created["key"] + "\n")
    assert (revoked.returncode, revoked.stderr) == (0, "revoked\n")
    assert status_with(stack, created["key"]) == 401
    again = tarmac("clients", "revoke", typed=created["key"] + "\n")
    assert (again.returncode, again.stderr) == (2, "error: key not found\n")


def test_a_client_key_is_the_only_text_on_standard_output(tarmac: Tarmac, stack: StackInfo) -> None:
    """The key can be piped; the explanation goes to standard error."""
    made = tarmac("clients", "create", f"cli-{uuid.uuid4().hex[:10]}")
    assert made.returncode == 0
    assert "shown only once" in made.stderr
    assert status_with(stack, made.stdout.strip()) == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("clients", "create", "Not A Name"), "client name"), (("clients", "create", "a", "--scope", "x"), "x")],
)
def test_an_invalid_client_is_reported_in_one_message(tarmac: Tarmac, arguments: tuple[str, ...], words: str) -> None:
    answer = tarmac(*arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_doctor_finds_the_stack_well(tarmac: Tarmac) -> None:
    # Tests beside this one leave a message among the dead letters for a moment.
    answer = eventually(lambda: tarmac("doctor"), lambda answer: answer.returncode == 0, "all to be well")
    assert "FAIL" not in answer.stdout
    findings = json.loads(tarmac("doctor", "--json").stdout)
    assert len(findings) == answer.stdout.count("ok  ")
    assert not [each for each in findings if each["problem"]]


def test_doctor_reports_a_bad_runway_key_and_secret_set_fixes_it(
    fresh: Tarmac, deployment: Deployment, secret: str
) -> None:
    """The key is unset, then rejected by Runway, then a valid one from standard input; no command shows it."""

    def stored() -> str:
        return deployment.clients.secrets.get_secret_value(SecretId=secret)["SecretString"]

    unset = fresh("doctor")
    assert unset.returncode == 1
    assert "no Runway key is stored: run `tarmac secret set`" in unset.stdout

    odd = fresh("secret", "set", typed="key_of_another_form\n")
    assert odd.returncode == 2
    assert "--any-form" in odd.stderr
    assert stored() == "unset"

    assert fresh("secret", "set", "--any-form", typed="key_revoked\n").returncode == 0
    refused = fresh("doctor")
    assert refused.returncode == 1
    assert "Runway does not accept the key" in refused.stdout
    assert "key_revoked" not in refused.stdout + refused.stderr

    good = fresh("secret", "set", typed=f"  {SIMULATOR_KEY}\n")
    assert (good.returncode, stored()) == (0, SIMULATOR_KEY)
    assert SIMULATOR_KEY not in good.stdout + good.stderr
    eventually(lambda: fresh("doctor"), lambda answer: answer.returncode == 0, "all to be well")


def test_status_reports_the_address_of_the_stack(tarmac: Tarmac, stack: StackInfo) -> None:
    answer = tarmac("status")
    assert answer.returncode == 0
    assert stack.api_url in answer.stdout
    assert f"pid {stack.pids['aws']}" in answer.stdout


def test_up_again_changes_nothing(stack: StackInfo, stack_home: Path) -> None:
    """The same addresses and the same key, from the same processes."""
    before = (stack_home / "stack.json").read_text()
    assert shared_stack(stack_home).up() == stack
    assert (stack_home / "stack.json").read_text() == before
    assert status_with(stack, stack.api_key) == 200


def test_a_shared_avatar_is_adopted(tarmac: Tarmac, deployment: Deployment, simulator: Simulator) -> None:
    """From then on one client owns it."""
    body = {
        "name": "Lobby",
        "personality": "kind",
        "referenceImage": "https://media.example.com/a.png",
        "voice": {"type": "runway-live-preset", "presetId": "clara"},
    }
    avatar = str(uuid.uuid4())
    simulator.http.put(f"/_simulator/records/avatars/{avatar}", json=body).raise_for_status()

    def listed() -> dict[str, str | None]:
        answer = tarmac("avatars", "list", "--json")
        assert answer.returncode == 0, answer.stderr
        return {each["id"]: each["client"] for each in json.loads(answer.stdout)}

    assert listed()[avatar] is None
    with Api.of_new_client(deployment) as acme, Api.of_new_client(deployment) as other:
        assert tarmac("avatars", "adopt", avatar, "--client", acme.client).returncode == 0
        assert listed()[avatar] == acme.client
        assert acme.http.patch(f"/v1/avatars/{avatar}", json={"name": "Hall"}).status_code == 200
        assert other.http.get(f"/v1/avatars/{avatar}").status_code == 404
        again = tarmac("avatars", "adopt", avatar, "--client", other.client)
        assert (again.returncode, acme.client in again.stderr) == (1, True)
    for wrong in (["missing"], ["a/b"], [avatar, "--kind", "song"], [avatar, "--kind", "voice"]):
        refused = tarmac("avatars", "adopt", *wrong, "--client", "acme")
        assert (refused.returncode, refused.stderr[:7]) == (2, "error: ")


def test_a_picture_becomes_a_video_in_a_folder(tarmac: Tarmac, deployment: Deployment, tmp_path: Path) -> None:
    """Uploaded, generated, followed, downloaded with one command; then listed and shown."""
    (tmp_path / "lake.png").write_bytes(picture("PNG"))
    out = tmp_path / "out"
    mark = prompt()

    made = tarmac(
        *("generate", "image_to_video", "-m", "gen4_turbo", "-i", str(tmp_path / "lake.png"), "-p", mark),
        *("--ratio", "1280:720", "--duration", "2", "--metadata", "order=A-18", "--download", str(out)),
    )

    assert made.returncode == 0, made.stderr
    (line,) = made.stdout.splitlines()
    task_id = Path(line).name.removesuffix("-01.mp4")
    (key,) = deployment.archived(task_id)
    assert Path(line).read_bytes() == deployment.archived_bytes(key)
    listed = json.loads(tarmac("tasks", "--status", "SUCCEEDED", "--limit", "100", "--json").stdout)
    assert task_id in [task["id"] for task in listed]
    shown = tarmac("show", task_id)
    assert shown.returncode == 0
    assert "order=A-18" in shown.stdout
    assert mark not in shown.stdout
    refused = tarmac("cancel", task_id)
    assert (refused.returncode, refused.stderr) == (1, f"error: the task {task_id} has ended: SUCCEEDED\n")


def test_tasks_are_followed_and_cancelled(tarmac: Tarmac, api: Api) -> None:
    """With a client's own key; `watch` ends with the last task, and its exit code reports the cancelled one."""
    keyed = ("--key", api.key)
    common = ("generate", "text_to_video", "-m", "veo3.1_fast", "--ratio", "1280:720", "--duration", "4", "--json")
    quick, endless = (
        json.loads(tarmac(*common, "-p", prompt(scenario), *keyed).stdout)["id"] for scenario in (QUICK, "seconds=9000")
    )
    assert tarmac("watch", quick, *keyed).stdout.splitlines()[-1] == f"{quick}  SUCCEEDED"
    assert tarmac("cancel", endless, *keyed).returncode == 0
    watched = tarmac("watch", quick, endless, "--json", *keyed)
    assert watched.returncode == 1
    ended = {line["id"]: line["status"] for line in map(json.loads, watched.stdout.splitlines())}
    assert ended == {quick: "SUCCEEDED", endless: "CANCELLED"}
    assert {quick, endless} == set(api.ids())


def test_an_upload_is_named_in_a_request(tarmac: Tarmac, api: Api, tmp_path: Path) -> None:
    (tmp_path / "lake.jpg").write_bytes(picture())
    uploaded = tarmac("upload", str(tmp_path / "lake.jpg"), "--key", api.key)
    assert uploaded.returncode == 0, uploaded.stderr
    body = image_to_video(promptImage=uploaded.stdout.strip())
    assert api.ended(api.create("image_to_video", body))["status"] == "SUCCEEDED"


def test_a_request_that_is_refused_names_the_field(tarmac: Tarmac) -> None:
    made = tarmac("generate", "text_to_video", "-m", "gen4.5", "-p", "a", "--ratio", "1:1", "--duration", "5")
    assert (made.returncode, made.stdout) == (2, "")
    assert "ratio: Expected one of" in made.stderr


def test_without_a_stack_every_command_reports_how_to_start_one(tmp_path: Path) -> None:
    answers = [run(tmp_path, *words) for words in (("tasks",), ("show", "x"), ("doctor",), ("redrive", "--json"))]
    for answer in answers:
        assert (answer.returncode, answer.stdout) == (3, "")
        assert "make up" in answer.stderr
    assert [answer.stderr[:10] for answer in answers] == ["error: " + str(tmp_path)[:3]] * 3 + ['{"error": ']


def test_a_batch_file_is_uploaded_followed_and_reported(tarmac: Tarmac, tmp_path: Path) -> None:
    """Two valid lines and an invalid one; the same file again starts no task and shows the same report."""
    lines = [{"operation": "text_to_video", "request": text_to_video()} for _ in range(3)]
    lines[1]["request"] = {"model": "gen4.5"}
    file, report = tmp_path / "Zwölf Möwen.jsonl", tmp_path / "report.json"
    file.write_text("\n".join(map(json.dumps, lines)))

    handed_in = tarmac("batch", str(file), "--report", str(report))

    assert handed_in.returncode == 1, handed_in.stderr
    saved = json.loads(report.read_text())
    assert (saved["status"], saved["lines"], saved["succeeded"], saved["rejected"]) == ("ENDED", 3, 2, 1)
    assert "promptText: Required" in handed_in.stdout
    again = tarmac("batch", str(file), "--json")
    assert json.loads(again.stdout)["results"] == saved["results"]
    assert "no line is started again" in again.stderr


def test_an_invalid_batch_file_is_reported_in_words(tarmac: Tarmac, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "lake.jpg").write_bytes(picture())
    reasons = {"empty.csv": "must name the columns", "lake.jpg": ".jsonl or a .csv", "nowhere.csv": "No such file"}
    for name, words in reasons.items():
        refused = tarmac("batch", str(tmp_path / name))
        assert (refused.returncode, refused.stdout) == (2, ""), refused.stderr
        assert words in refused.stderr


def test_redrive_puts_lines_of_a_batch_back_into_their_queue(tarmac: Tarmac, deployment: Deployment) -> None:
    """The first call only lists them. The second returns them to RunBatch, which drops lines of an unknown batch."""
    dead_letters, message = deployment.physical("BatchDeadLetters"), json.dumps({"batch": uuid.uuid4().hex, "chunk": 1})
    deployment.clients.sqs.send_message(QueueUrl=dead_letters, MessageBody=message)
    listed = tarmac("redrive", "--dry-run")
    assert message in listed.stdout
    assert "1 batch part waiting" in listed.stderr
    sent = tarmac("redrive")
    assert (sent.returncode, message in sent.stdout) == (0, True)
    assert "1 batch part sent again" in sent.stderr
    assert "0 batch parts" in tarmac("redrive").stderr
