"""`tarmac generate` and `tarmac upload`: a request of words and files, from a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from local.commands.api import Api, JsonOption, KeyOption, UrlOption, open_api, print_json
from local.commands.following import credits_of, download_outputs, exit_code, wait_for
from local.commands.target import StackOption
from local.errors import Refused, plain_errors
from local.paths import import_domain

KINDS = ("image", "video", "audio")


def generate(
    operation: Annotated[str, typer.Argument(help="What to do, such as text_to_video: see `tarmac models`.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Which model does it.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", help="What should be seen or heard.")] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", "-i", help="A picture: file, or URL. Repeat for more.")
    ] = None,
    video: Annotated[list[str] | None, typer.Option(help="A video: file, or URL.")] = None,
    audio: Annotated[list[str] | None, typer.Option(help="A sound: file, or URL.")] = None,
    ratio: Annotated[str | None, typer.Option(help="Such as 1280:720.")] = None,
    duration: Annotated[str | None, typer.Option(help="In seconds.")] = None,
    seed: Annotated[str | None, typer.Option(help="The same seed makes the same again, nearly.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other parameter; a.b=… for one inside, =@FILE for a file."
        ),
    ] = None,
    body: Annotated[Path | None, typer.Option(help="A JSON file to begin with; - reads standard input.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Yours: comes back in the task and its notice.")
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(help="Where the ending is posted to.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key and request again is the same task, and bought once.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until it has ended.")] = False,
    download: Annotated[Path | None, typer.Option("--download", "-d", help="Wait, and put the outputs here.")] = None,
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make something: send a request, upload the files that it names, and follow it if asked to.

    Pictures, videos and sounds go where the model takes them. Without --wait it prints the task's id and leaves.

    * tarmac generate text_to_video -m gen4.5 -p "A lake at dawn" --ratio 1280:720 --duration 5 --wait

    * tarmac generate image_to_video -m gen4_turbo -i lake.jpg -p "It glows" --ratio 1280:720 -d out/

    * tarmac generate character_performance -m act_two -i face.png --video acting.mp4 --set ratio=1280:720

    Exit codes: 0 done, 1 the task failed or was cancelled, 2 the request is wrong, 3 the stack cannot be reached or
    does not take the key, 4 it cannot take the request now, as where it has no Runway key, 130 interrupted (the task
    goes on).
    """
    with plain_errors(as_json):
        import_domain()
        shorthands = {"promptText": prompt, "ratio": ratio, "duration": duration, "seed": seed}
        request = Request(operation, model, _read_body(body))
        for name, value in shorthands.items():
            if value is not None:
                request.set_shorthand(name, value)
        with open_api(stack, url, key) as api:
            uploaded = _uploader(api)
            for pair in fields or ():
                request.set(*_pair(pair, "--set"), uploaded)
            for kind, files in zip(KINDS, (image, video, audio), strict=True):
                for file in files or ():
                    request.place(kind, file if _is_link(file) else uploaded(file))
            if metadata:
                request.body["metadata"] = dict(_pair(pair, "--metadata") for pair in metadata)
            if webhook_url:
                request.body["webhookUrl"] = webhook_url
            created = api.create(operation, request.body, idempotency_key)
            if not (wait or download):
                _print_created(created, as_json)
                return
            task = wait_for(api, created["id"], quiet=as_json)
            files = download_outputs(api, task, download) if download else None
            _print_ended(task, files, as_json)
            raise typer.Exit(exit_code([task]))


def upload(
    files: Annotated[list[Path], typer.Argument(help="Pictures, videos, sounds: 512 bytes to 200 MiB each.")],
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Upload files and print the URI of each, which any request of the next 24 hours may name in their place."""
    with plain_errors(as_json), open_api(stack, url, key) as api:
        for file in files:
            uri = api.upload(file)
            if as_json:
                print_json({"file": str(file), "uri": uri})
            else:
                print(uri, flush=True)


class Request:
    """A create's body as it comes together. Texts are typed as the catalogue describes their fields."""

    def __init__(self, operation_name: str, model: str | None, body: dict[str, Any]) -> None:
        from tarmac.catalogue import UnknownOperation, operation, operations

        try:
            at = operation(operation_name)
        except UnknownOperation:
            raise Refused(f"there is no operation {operation_name}; there are {', '.join(operations())}") from None
        self.body = body | ({} if model is None else {"model": model})
        self._model = at.model(str(at.sole_model or self.body.get("model")))
        self._parameters: Mapping[str, Any] = self._model.parameters or {}

    def set_shorthand(self, name: str, text: str) -> None:
        """A field of every request, wherever this operation has it."""
        inside = self._parameters.get("input", {}).get("properties", {})
        self.set(f"input.{name}" if name not in self._parameters and name in inside else name, text)

    def set(self, name: str, text: str, uploaded: Callable[[str], str] | None = None) -> None:
        from tarmac.requests.text_fields import BadField, path_of, put, typed

        path = path_of(name)
        try:
            value = uploaded(text[1:]) if uploaded and text.startswith("@") else typed(text, self._parameters, path)
            put(self.body, path, value)
        except BadField as problem:
            raise Refused(f"{name}: {problem}") from problem

    def place(self, kind: str, link: str) -> None:
        """Where this model takes such a file."""
        from tarmac.requests.object_links import place_object

        if not place_object(self.body, self._parameters, kind, link):
            who = f"{self._model.name} in {self._model.operation}"
            why = f"takes no further {kind}" if self._model.known else "is not in the catalogue"
            raise Refused(f"--{kind}: {who} {why}; --set NAME=@FILE puts a file into any field")


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
    """Each file once, however often it is named."""
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
