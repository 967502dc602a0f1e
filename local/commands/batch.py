"""`tarmac batch`: puts a file of requests into the inbox, waits, and prints the report."""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from local.commands.api import JsonOption, print_json
from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, Refused, plain_errors

if TYPE_CHECKING:
    from tarmac.inbox.batch import Batch
    from tarmac.inbox.batch_store import BatchStore

PATIENCE_SECONDS = 300.0
"""How long to wait for AcceptUpload to process the file, including its retries."""

_OUTCOMES = ("succeeded", "failed", "cancelled", "rejected")


def batch(
    file: Annotated[Path, typer.Argument(help="Requests, one per line: .jsonl, or .csv with a header row.")],
    preset: Annotated[
        str | None, typer.Option(help="Preset in the upload bucket that completes each line.", show_default=False)
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the batch. The same lines under another name are a new batch.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all tasks have ended.")] = True,
    report: Annotated[
        Path | None, typer.Option(help="Write the report, with the outcome of each line, to this file.")
    ] = None,
    as_json: JsonOption = False,
    stack: StackOption = None,
) -> None:
    """Run a file of requests through the upload bucket and print its report.

    Each line is {"operation", "request", "metadata"?}, or a CSV row of such fields. The same file again is the same
    batch: nothing is started twice, and the command follows the existing batch. Uses AWS credentials, not a client key.

    * tarmac batch shots.jsonl

    * tarmac batch prompts.csv --preset teaser --report report.json

    Exit codes: 0 every line succeeded, 1 a line was rejected, failed or was cancelled, 2 the file is not a valid batch,
    3 the stack cannot be reached, 130 interrupted (the batch continues).
    """
    with plain_errors(as_json):
        target = find_target(stack)
        from tarmac.clock import Clock
        from tarmac.inbox.batch_store import BatchStore

        key = _put(target, file, preset, name)
        batch_id = _batch_of(target, key)
        store = BatchStore(target.table, Clock(), random.random)
        known = _known(store, batch_id)
        if known.source.get("key") != key:
            print(
                f"this batch was submitted before, as {known.source.get('key')}: no line is started again",
                file=sys.stderr,
            )
        if not wait:
            print_json({"batch": batch_id, "lines": known.lines}) if as_json else print(batch_id)
            return
        content = _report_of(target, _follow(target, store, batch_id, quiet=as_json))
        if report is not None:
            report.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        _print_report(content, as_json)
        raise typer.Exit(0 if content["succeeded"] == content["lines"] else 1)


def _put(target: Target, file: Path, preset: str | None, name: str | None) -> str:
    """Upload the file under a unique key in the inbox and return the key. Raise Refused for an unreadable file."""
    from tarmac.inbox.keys import INBOX, form_of

    if not form_of(INBOX + file.name).is_batch:
        raise Refused(f"{file}: a batch must be a .jsonl or a .csv file")
    folder = f"{INBOX}{preset}/" if preset else INBOX
    key = f"{folder}{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}-{file.name}"
    about = {"tarmac-batch": quote(name)} if name else {}
    try:
        with file.open("rb") as content:
            target.client("s3").put_object(Bucket=target.outputs["UploadBucket"], Key=key, Body=content, Metadata=about)
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from error
    return key


def _batch_of(target: Target, key: str) -> str:
    """Wait for the batch's id, a tag of the object. Raise Refused with the reason of its failure report."""
    from tarmac.inbox.keys import failed_key

    s3, bucket = target.client("s3"), target.outputs["UploadBucket"]
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience:
        tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
        kind, _, batch_id = tags.get("tarmac-task", "").partition(":")
        if kind == "batch":
            return str(batch_id)
        try:
            failed = json.loads(s3.get_object(Bucket=bucket, Key=failed_key(key))["Body"].read())
        except s3.exceptions.NoSuchKey:
            time.sleep(_pace(target))
            continue
        raise Refused(failed["reason"])
    raise LocalError(
        f"timed out after {PATIENCE_SECONDS:.0f} s waiting for {key} to be processed; check the log of AcceptUpload"
    )


def _known(store: BatchStore, batch_id: str) -> Batch:
    found = store.get(batch_id)
    if found is None:
        raise LocalError(f"the batch {batch_id} is no longer in the table")
    return found


def _follow(target: Target, store: BatchStore, batch_id: str, quiet: bool) -> Batch:
    """Show progress until all tasks have ended and the last report is written; return the batch."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tarmac.inbox.batch import ENDED_STAGE

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        found = _known(store, batch_id)
        bar = progress.add_task("lines", total=found.lines, counts="")
        try:
            while found.announced < ENDED_STAGE:
                time.sleep(_pace(target))
                found = _known(store, batch_id)
                counts = found.counts
                words = ", ".join(f"{getattr(counts, word)} {word}" for word in _OUTCOMES if getattr(counts, word))
                progress.update(bar, completed=counts.ended + counts.rejected, counts=words)
        except KeyboardInterrupt:
            print(f"the batch {batch_id} continues; run the same command again to follow it", file=sys.stderr)
            raise
    return found


def _pace(target: Target) -> float:
    return 0.3 if target.is_local else 3.0


def _report_of(target: Target, ended: Batch) -> dict[str, Any]:
    from tarmac.inbox.keys import report_key

    key = report_key(ended.client, ended.created_at, ended.id)
    content = target.client("s3").get_object(Bucket=target.outputs["ArchiveBucket"], Key=key)["Body"].read()
    report: dict[str, Any] = json.loads(content)
    return report


def _print_report(report: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    print(f"{report['batch']}  {report['lines']} lines, {report['credits']:g} credits")
    for word in _OUTCOMES:
        if report[word]:
            print(f"{word:<10}{report[word]}")
    for line in report["results"]:
        if line["status"] in ("REJECTED", "FAILED"):
            print(f"line {line['line']}: {line.get('failureCode', line['status'])}: {line.get('reason', '')}")
