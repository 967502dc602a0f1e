"""`make demo`: the main job twice, aloud. An image over HTTP and an image dropped into S3 become archived videos."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
class Way:
    """One of the two ways in, as far as it has come."""

    title: str
    began: float
    task: Task | None = None
    bar: TaskID | None = None


def run(environment: Mapping[str, str] = os.environ) -> int:
    """The exit code: 0 once both videos are archived, announced and in .local/out. Raises LocalError."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    picture = picture_for_demo(environment.get("FILE"))
    prompt = environment.get("PROMPT") or PROMPT
    stack = Stack.from_environment(environment)
    if "TIME_SCALE" not in environment and stack.upstream.simulated:
        stack = replace(stack, time_scale=DEMO_TIME_SCALE)
    info = stack.up()
    _say_what_follows(console, stack)

    import_domain()
    from local.aws.clients import Clients
    from tarmac.aws.dynamodb import DynamoTable
    from tarmac.clock import Clock
    from tarmac.tasks.store import TaskStore

    with Clients(info.aws_endpoint_url, info.region) as clients:
        _forget_old_notices(clients, info)
        tasks = TaskStore(DynamoTable(info.tasks_table, clients.dynamodb), Clock())
        began = time.time()
        ways = [Way("HTTP  POST /v1/image_to_video", began), Way("S3    inbox/demo.jpg", began)]
        over_http = _create_over_http(info, picture, prompt)
        _drop_into_s3(clients, info, picture, prompt)
        _watch(console, ways, over_http, tasks, info)
        notices = _notices(clients, info, {way.task.id for way in ways if way.task})
        for way in ways:
            assert way.task is not None
            _show(console, way.title, way.task, notices.get(way.task.id), clients, info, stack.files.root / "out")
    succeeded = all(way.task and way.task.state.value == "SUCCEEDED" for way in ways)
    complete = succeeded and len(notices) == len(ways)
    console.print("\nThe stack is still up: [bold]make down[/] stops it. State, logs and videos are in .local.")
    if not complete:
        console.print("[red]Not every way led to an archived and announced video.[/]")
    return 0 if complete else 1


def _say_what_follows(console: Console, stack: Stack) -> None:
    if not stack.upstream.simulated:
        console.print(f"\n[yellow]Runway itself generates, at {stack.upstream.base_url}: about 50 credits ($0.50).[/]")
        return
    pace = "at its real pace" if stack.time_scale == 1 else f"[bold]{1 / stack.time_scale:g} times faster[/]"
    console.print(
        f"\nRunway is simulated here, and its time passes {pace} "
        f"(TIME_SCALE={stack.time_scale:g}): run times, polls and waits alike."
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
    if answer.status_code != 200:
        raise LocalError(f"POST /v1/image_to_video was answered {answer.status_code}: {answer.text}")
    return str(answer.json()["id"])


def _drop_into_s3(clients: Clients, info: StackInfo, picture: bytes, prompt: str) -> None:
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


def _watch(console: Console, ways: list[Way], over_http: str, tasks: TaskStore, info: StackInfo) -> None:
    """Progress bars until both have ended. The first is read over the API, as its client would."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[status]:<10}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        for way in ways:
            way.bar = progress.add_task(way.title, total=1.0, status="…")
        patience = time.monotonic() + PATIENCE_SECONDS
        while not all(way.task and way.task.state.is_terminal and way.task.next_check_at is None for way in ways):
            if time.monotonic() > patience:
                raise LocalError(f"no ending after {PATIENCE_SECONDS:.0f} s: look at .local/logs")
            ways[0].task = tasks.get(over_http)
            ways[1].task = (ways[1].task and tasks.get(ways[1].task.id)) or _newest_from_s3(tasks, ways[1].began)
            for way in ways:
                _advance(progress, way)
            time.sleep(0.2)


def _newest_from_s3(tasks: TaskStore, since: float) -> Task | None:
    """The object's task, once its event has arrived: those from S3 belong to the client `s3`."""
    newest = tasks.of_client("s3", 1, None).tasks
    return newest[0] if newest and newest[0].created_at >= since else None


def _advance(progress: Progress, way: Way) -> None:
    from tarmac.tasks.responses import shown_status

    if way.task is None or way.bar is None:
        return
    status = shown_status(way.task)
    done = 1.0 if way.task.state.is_terminal else min(way.task.progress or 0.0, 0.99)
    progress.update(way.bar, completed=done, status=status)
    if way.task.state.is_terminal:
        progress.stop_task(way.bar)


def _forget_old_notices(clients: Clients, info: StackInfo) -> None:
    clients.sqs.purge_queue(QueueUrl=info.notice_queue_url)


def _notices(clients: Clients, info: StackInfo, task_ids: set[str]) -> dict[str, dict[str, Any]]:
    """The notices of these tasks, as a subscriber of the topic gets them."""
    found: dict[str, dict[str, Any]] = {}
    patience = time.monotonic() + 20
    while found.keys() != task_ids and time.monotonic() < patience:
        answer = clients.sqs.receive_message(QueueUrl=info.notice_queue_url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            notice = json.loads(message["Body"])
            if notice["taskId"] in task_ids:
                found[notice["taskId"]] = notice
    return found


def _show(
    console: Console,
    title: str,
    task: Task,
    notice: dict[str, Any] | None,
    clients: Clients,
    info: StackInfo,
    out: Path,
) -> None:
    console.print(f"\n[bold]{title}[/]  task {task.id}")
    if task.failure:
        console.print(f"  [red]{task.failure_code}: {task.failure}[/]")
    for output in task.outputs:
        path = out / f"{task.id}-{Path(output.key).name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = clients.s3.get_object(Bucket=output.bucket, Key=output.key)["Body"].read()
        if hashlib.sha256(content).hexdigest() != output.sha256:
            raise LocalError(f"{output.key} is not the file that the task's row describes")
        path.write_bytes(content)
        console.print(f"  archive    s3://{output.bucket}/{output.key}")
        console.print(f"  file       {output.size_bytes:,} bytes, {output.content_type}, sha256 {output.sha256}")
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        console.print(f"  your copy  {shown}")
    if notice is None:
        console.print("  [red]notice     none received[/]")
    else:
        console.print(f"  notice     {notice['type']}, event {notice['eventId']}, {notice['credits']:g} credits")
    steps = _steps(clients, info, task)
    console.print(f"  execution  {task.execution_name}: {steps}")


def _steps(clients: Clients, info: StackInfo, task: Task) -> str:
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
