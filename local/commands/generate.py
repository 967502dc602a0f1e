"""`tarmac generate` and `tarmac upload`: creates a task from options and files, uploads files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from local.commands.api import Api, JsonOption, KeyOption, UrlOption, open_api, print_json
from local.commands.following import credits_of, download_outputs, exit_code, wait_for
from local.commands.target import StackOption
from local.errors import Refused, plain_errors
from local.paths import import_domain


def generate(
    operation: Annotated[str, typer.Argument(help="Operation, such as text_to_video. `tarmac models` lists all.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Model.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", help="Prompt text.")] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", "-i", help="Image: file or URL. Repeat for more.")
    ] = None,
    video: Annotated[list[str] | None, typer.Option(help="Video: file or URL.")] = None,
    audio: Annotated[list[str] | None, typer.Option(help="Audio: file or URL.")] = None,
    ratio: Annotated[str | None, typer.Option(help="Ratio, such as 1280:720.")] = None,
    duration: Annotated[str | None, typer.Option(help="Duration in seconds.")] = None,
    seed: Annotated[str | None, typer.Option(help="Seed. Equal seeds give similar outputs.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other parameter. a.b=… sets a nested one, NAME=@FILE uploads a file.",
        ),
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(help="JSON file with the request, which other options change. - reads standard input."),
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Metadata, returned in the task and its notice.")
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(help="URL of the webhook.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Idempotency key. The same key with the same request returns the same task.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until the task has ended.")] = False,
    download: Annotated[
        Path | None, typer.Option("--download", "-d", help="Wait, and download the outputs into this folder.")
    ] = None,
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Create a task: upload its files, send the request, and optionally wait and download.

    Images, videos and audio go to the fields where the model takes them. Without --wait or --download, the command
    prints the task's id and returns.

    * tarmac generate text_to_video -m gen4.5 -p "A lake at dawn" --ratio 1280:720 --duration 5 --wait

    * tarmac generate image_to_video -m gen4_turbo -i lake.jpg -p "It glows" --ratio 1280:720 -d out/

    * tarmac generate character_performance -m act_two -i face.png --video acting.mp4 --set ratio=1280:720

    Exit codes: 0 done, 1 the task failed or was cancelled, 2 the request is invalid, 3 the stack cannot be reached or
    rejects the key, 4 it cannot accept the request now, for example without a Runway key, 130 interrupted (the task
    continues).
    """
    with plain_errors(as_json):
        import_domain()
        request = Request(operation, model, _read_body(body))
        request.set_shorthands({"promptText": prompt, "ratio": ratio, "duration": duration, "seed": seed})
        if metadata:
            request.body["metadata"] = dict(_pair(pair, "--metadata") for pair in metadata)
        if webhook_url:
            request.body["webhookUrl"] = webhook_url
        with open_api(stack, url, key) as api:
            request.add_files(api, fields or (), {"image": image, "video": video, "audio": audio})
            created = api.create(operation, request.body, idempotency_key)
            if not (wait or download):
                _print_created(created, as_json)
                return
            task = wait_for(api, created["id"], quiet=as_json)
            _print_ended(task, download_outputs(api, task, download) if download else None, as_json)
            raise typer.Exit(exit_code([task]))


def upload(
    files: Annotated[list[Path], typer.Argument(help="Images, videos or audio, 512 bytes to 200 MiB each.")],
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Upload files and print a URI for each, which requests accept for 24 hours."""
    with plain_errors(as_json), open_api(stack, url, key) as api:
        for file in files:
            uri = api.upload(file)
            if as_json:
                print_json({"file": str(file), "uri": uri})
            else:
                print(uri, flush=True)


class Request:
    """The body of a create, built from options. Texts get the type that the catalogue gives their field."""

    def __init__(self, operation_name: str, model: str | None, body: dict[str, Any]) -> None:
        from tarmac.catalogue import UnknownOperation, operation, operations

        try:
            at = operation(operation_name)
        except UnknownOperation:
            raise Refused(f"unknown operation {operation_name}: choose from {', '.join(operations())}") from None
        self.body = body | ({} if model is None else {"model": model})
        self._model = at.model(str(at.sole_model or self.body.get("model")))
        self._parameters: Mapping[str, Any] = self._model.parameters or {}

    def set_shorthands(self, texts: Mapping[str, str | None]) -> None:
        """Set common parameters, at the top level or inside `input`, wherever this model has them."""
        inside = self._parameters.get("input", {}).get("properties", {})
        for name, text in texts.items():
            if text is not None:
                self.set(f"input.{name}" if name not in self._parameters and name in inside else name, text)

    def add_files(self, api: Api, pairs: Iterable[str], files: Mapping[str, Sequence[str] | None]) -> None:
        """Set the parameters of NAME=VALUE pairs, then place the files of each kind. Upload files, not URLs."""
        uploaded = _uploader(api)
        for pair in pairs:
            self.set(*_pair(pair, "--set"), uploaded)
        for kind, names in files.items():
            for name in names or ():
                self.place(kind, name if _is_link(name) else uploaded(name))

    def set(self, name: str, text: str, uploaded: Callable[[str], str] | None = None) -> None:
        """Set the parameter at this path; uploaded(path) gives the URI for @FILE. Raise Refused for a wrong value."""
        from tarmac.requests.text_fields import BadField, path_of, put, typed

        path = path_of(name)
        try:
            value = uploaded(text[1:]) if uploaded and text.startswith("@") else typed(text, self._parameters, path)
            put(self.body, path, value)
        except BadField as problem:
            raise Refused(f"{name}: {problem}") from problem

    def place(self, kind: str, link: str) -> None:
        """Put a link into the field where this model takes this kind of file. Raise Refused if there is none."""
        from tarmac.requests.object_links import place_object

        if not place_object(self.body, self._parameters, kind, link):
            model = f"{self._model.name} in {self._model.operation}"
            problem = f"takes no further {kind}" if self._model.known else "is not in the catalogue"
            raise Refused(f"--{kind}: {model} {problem}; --set NAME=@FILE sets any field to a file")


def _read_body(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        body = json.loads(sys.stdin.read() if str(path) == "-" else path.read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"--body {path}: {error}") from error
    if not isinstance(body, dict):
        raise Refused(f"--body {path}: expected a JSON object")
    return body


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Refused(f"{option} {text}: expected NAME=VALUE")
    return name, value


def _is_link(text: str) -> bool:
    return text.startswith(("https://", "http://", "runway://", "s3://", "data:"))


def _uploader(api: Api) -> Callable[[str], str]:
    """Return a function that uploads each file once and returns its URI."""
    known: dict[str, str] = {}

    def uploaded(name: str) -> str:
        if name not in known:
            known[name] = api.upload(Path(name))
        return known[name]

    return uploaded


def _print_created(created: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(created)
        return
    price = credits_of(created)
    print(f"accepted{f', {price} credits' if price else ''}: tarmac watch {created['id']}", file=sys.stderr)
    print(created["id"])


def _print_ended(task: Mapping[str, Any], files: Iterable[str] | None, as_json: bool) -> None:
    if as_json:
        print_json({**task} if files is None else {**task, "files": list(files)})
        return
    if task["status"] == "FAILED":
        print(f"{task['id']} failed: {task['failureCode']}: {task['failure']}", file=sys.stderr)
    elif task["status"] == "CANCELLED":
        print(f"{task['id']} was cancelled", file=sys.stderr)
    for line in task.get("output") or () if files is None else files:
        print(line)
