"""`make demo`: one image over HTTP and one in the S3 inbox become archived videos. Prints every step."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.errors import LocalError
from local.paths import ROOT, import_domain
from local.picture import picture_for_demo
from local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from local.aws.clients import Clients
    from tarmac.tasks.store import TaskStore
    from tarmac.tasks.task import Task

DEMO_TIME_SCALE = 0.1
MODEL, RATIO, DURATION = "gen4_turbo", "1280:720", 5
PROMPT = "The sun sinks behind the hills, the lake starts to glow"
PATIENCE_SECONDS = 1800.0


@dataclass
class Entry:
    """One of the two entry points, with its task."""

    title: str
    find: Callable[[], Task | None]
    task: Task | None = None
    bar: TaskID | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the task has ended and nothing is left to do for it, such as its notice."""
        return self.task is not None and self.task.state.is_terminal and self.task.next_check_at is None


def run(environment: Mapping[str, str] = os.environ) -> int:
    """Run the demo. Return 0 once both videos are archived, announced and in .local/out. Raise LocalError."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    picture = picture_for_demo(environment.get("FILE"))
    prompt = environment.get("PROMPT") or PROMPT
    stack = Stack.from_environment(environment)
    if "TIME_SCALE" not in environment and stack.upstream.simulated:
        stack = replace(stack, time_scale=DEMO_TIME_SCALE)
    info = stack.up()
    _print_time_scale(console, stack)

    import_domain()
    from local.aws.clients import Clients
    from tarmac.aws.dynamodb import DynamoTable
    from tarmac.clock import Clock
    from tarmac.tasks.store import TaskStore

    with Clients(info.aws_endpoint_url, info.region) as clients:
        clients.sqs.purge_queue(QueueUrl=info.notice_queue_url)
        tasks = TaskStore(DynamoTable(info.tasks_table, clients.dynamodb), Clock())
        began = time.time()
        task_id = _create_over_http(info, picture, prompt)
        _put_into_inbox(clients, info, picture, prompt)
        entries = [
            Entry("HTTP  POST /v1/image_to_video", lambda: tasks.get(task_id)),
            Entry("S3    inbox/demo.jpg", lambda: _newest_from_s3(tasks, began)),
        ]
        _watch(console, entries, tasks)
        notices = _notices(clients, info, {entry.task.id for entry in entries if entry.task})
        for entry in entries:
            assert entry.task is not None
            console.print(f"\n[bold]{entry.title}[/]  task {entry.task.id}")
            _print_outputs(console, clients, entry.task, stack.files.root / "out")
            _print_notice(console, notices.get(entry.task.id))
            steps = _steps(clients, info, entry.task)
            console.print(f"  execution  {entry.task.execution_name}: {steps}")
    succeeded = all(entry.task and entry.task.state.value == "SUCCEEDED" for entry in entries)
    complete = succeeded and len(notices) == len(entries)
    console.print("\nThe stack is still up: [bold]make down[/] stops it. State, logs and videos are in .local.")
    if not complete:
        console.print("[red]Not every task ended with an archived and announced video.[/]")
    return 0 if complete else 1


def _print_time_scale(console: Console, stack: Stack) -> None:
    if not stack.upstream.simulated:
        console.print(
            f"\n[yellow]Runway itself generates, at {stack.upstream.base_url}, for about 50 credits ($0.50).[/]"
        )
        return
    speed = "in real time" if stack.time_scale == 1 else f"[bold]{1 / stack.time_scale:g} times faster[/]"
    console.print(
        f"\nRunway is simulated here and runs {speed} "
        f"(TIME_SCALE={stack.time_scale:g}): generation times, polls and waits."
    )


def _create_over_http(info: StackInfo, picture: bytes, prompt: str) -> str:
    import httpx

    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    body = {
        "model": MODEL,
        "promptImage": f"data:image/{kind};base64,{base64.b64encode(picture).decode()}",
        "promptText": prompt,
        "ratio": RATIO,
        "duration": DURATION,
        "metadata": {"made-by": "demo"},
    }
    headers = {"Authorization": f"Bearer {info.api_key}", "X-Runway-Version": "2024-11-06"}
    answer = httpx.post(f"{info.api_url}/v1/image_to_video", json=body, headers=headers, timeout=60)
    if answer.status_code != HTTPStatus.OK:
        raise LocalError(f"POST /v1/image_to_video failed with {answer.status_code}: {answer.text}")
    return str(answer.json()["id"])


def _put_into_inbox(clients: Clients, info: StackInfo, picture: bytes, prompt: str) -> None:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    clients.s3.put_object(
        Bucket=info.upload_bucket,
        Key="inbox/demo.png" if kind == "png" else "inbox/demo.jpg",
        Body=picture,
        ContentType=f"image/{kind}",
        Metadata={
            "tarmac-model": MODEL,
            "tarmac-prompt-text": quote(prompt),
            "tarmac-ratio": RATIO,
            "tarmac-duration": str(DURATION),
        },
    )


def _watch(console: Console, entries: list[Entry], tasks: TaskStore) -> None:
    """Show progress bars until both tasks have ended."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[status]:<10}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        for entry in entries:
            entry.bar = progress.add_task(entry.title, total=1.0, status="…")
        patience = time.monotonic() + PATIENCE_SECONDS
        while not all(entry.has_ended for entry in entries):
            if time.monotonic() > patience:
                raise LocalError(f"the tasks have not ended after {PATIENCE_SECONDS:.0f} s: see .local/logs")
            for entry in entries:
                entry.task = entry.find() if entry.task is None else tasks.get(entry.task.id)
                _advance(progress, entry)
            time.sleep(0.2)


def _newest_from_s3(tasks: TaskStore, since: float) -> Task | None:
    """Return the task of the S3 object, None before its event has arrived. Tasks from S3 belong to the client `s3`."""
    newest = tasks.of_client("s3", 1, None).tasks
    return newest[0] if newest and newest[0].created_at >= since else None


def _advance(progress: Progress, entry: Entry) -> None:
    from tarmac.tasks.responses import shown_status

    if entry.task is None or entry.bar is None:
        return
    status = shown_status(entry.task)
    done = 1.0 if entry.task.state.is_terminal else min(entry.task.progress or 0.0, 0.99)
    progress.update(entry.bar, completed=done, status=status)
    if entry.task.state.is_terminal:
        progress.stop_task(entry.bar)


def _notices(clients: Clients, info: StackInfo, task_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Return the notices of these tasks by task id, as a subscriber of the topic receives them."""
    found: dict[str, dict[str, Any]] = {}
    patience = time.monotonic() + 20
    while found.keys() != task_ids and time.monotonic() < patience:
        answer = clients.sqs.receive_message(QueueUrl=info.notice_queue_url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            notice = json.loads(message["Body"])
            if notice["taskId"] in task_ids:
                found[notice["taskId"]] = notice
    return found


def _print_outputs(console: Console, clients: Clients, task: Task, out: Path) -> None:
    """Download the outputs of a task into a folder and print where they are. Raise LocalError for a wrong hash."""
    if task.failure:
        console.print(f"  [red]{task.failure_code}: {task.failure}[/]")
    for output in task.outputs:
        path = out / f"{task.id}-{Path(output.key).name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = clients.s3.get_object(Bucket=output.bucket, Key=output.key)["Body"].read()
        if hashlib.sha256(content).hexdigest() != output.sha256:
            raise LocalError(f"{output.key} does not match the SHA-256 in the task's row")
        path.write_bytes(content)
        console.print(f"  archive    s3://{output.bucket}/{output.key}")
        console.print(f"  file       {output.size_bytes:,} bytes, {output.content_type}, sha256 {output.sha256}")
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        console.print(f"  your copy  {shown}")


def _print_notice(console: Console, notice: Mapping[str, Any] | None) -> None:
    if notice is None:
        console.print("  [red]notice     not received[/]")
    else:
        console.print(f"  notice     {notice['type']}, event {notice['eventId']}, {notice['credits']:g} credits")


def _steps(clients: Clients, info: StackInfo, task: Task) -> str:
    """Return the status of the task's execution and the states that it entered."""
    arn = info.generation_state_machine_arn.replace(":stateMachine:", ":execution:") + f":{task.execution_name}"
    for _ in range(50):
        if clients.states.describe_execution(executionArn=arn)["status"] != "RUNNING":
            break
        time.sleep(0.1)
    status = clients.states.describe_execution(executionArn=arn)["status"]
    events = clients.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    names = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    steps = [name for name in names if name not in ("Enter", "Route", "Ending")]
    return f"{status}  {' → '.join(steps)}"
