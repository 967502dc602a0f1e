"""Malformed requests, each with a text that must not appear anywhere."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE = "/v1/text_to_video"


@dataclass(frozen=True)
class Malformed:
    """One request. `refused`: whether the response must be a 4xx; otherwise any status except 5xx is valid."""

    name: str
    method: str = "POST"
    path: str = CREATE
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: bool = True


def good(prompt: str) -> dict[str, Any]:
    return {"model": "veo3.1_fast", "promptText": prompt, "ratio": "1280:720", "duration": 4}


def requests(prompt: str) -> Iterator[Malformed]:
    """Return all requests. Each is refused for one reason; its prompt is valid."""
    yield from _broken_json(prompt)
    yield from _wrong_values(prompt)
    yield from _wrong_media(prompt)
    yield from _too_large(prompt)
    yield from _odd_headers(prompt)
    yield from _odd_paths(prompt)
    yield from _odd_queries(prompt)


def _broken_json(prompt: str) -> Iterator[Malformed]:
    whole = json.dumps(good(prompt)).encode()
    text = whole.decode()
    for length in (1, 2, 10, 25, 40, len(whole) - 20, len(whole) - 1):
        yield Malformed(f"cut after {length} bytes", content=whole[:length])
    bodies = {
        "nothing": b"",
        "white space": b" \n\t ",
        "null": b"null",
        "true": b"true",
        "a number": b"42",
        "a string": json.dumps(prompt).encode(),
        "an array": json.dumps([good(prompt)]).encode(),
        "two objects": whole + whole,
        "a trailing comma": text[:-1].encode() + b",}",
        "single quotes": text.replace('"', "'").encode(),
        "no quotes": text.replace('"', "").encode(),
        "a comment": b"/* " + prompt.encode() + b" */" + whole,
        "a form": f"promptText={prompt}&model=veo3.1_fast".encode(),
        "XML": f"<prompt>{prompt}</prompt>".encode(),
        "NaN": text.replace(": 4", ": NaN").encode(),
        "Infinity": text.replace(": 4", ": Infinity").encode(),
        "-Infinity": text.replace(": 4", ": -Infinity").encode(),
        "1e999": text.replace(": 4", ": 1e999").encode(),
        "-1e999": text.replace(": 4", ": -1e999").encode(),
        "5,000 digits": text.replace(": 4", ": " + "9" * 5000).encode(),
        "5,000 decimals": text.replace(": 4", ": 0." + "9" * 5000).encode(),
        "an octal number": text.replace(": 4", ": 04").encode(),
        "a hexadecimal number": text.replace(": 4", ": 0x4").encode(),
        "a duplicate key": (text[:-1] + ', "model": "veo3"}').encode(),
        "a duplicate nested key": (text[:-1] + ', "x": {"a": 1, "a": 2}}').encode(),
        "a duplicate key, spelt otherwise": (text[:-1] + ', "mode\\u006c": "veo3"}').encode(),
        "arrays 40 deep": (text[:-1] + ', "x": ' + "[" * 40 + "]" * 40 + "}").encode(),
        "objects 40 deep": (text[:-1] + ', "x": ' + '{"a":' * 40 + "1" + "}" * 40 + "}").encode(),
        "100,000 brackets": b"[" * 100_000,
        "100,000 braces": b'{"a":' * 100_000,
        "100,000 closed brackets": (text[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}").encode(),
        "a lone high surrogate": text.replace(prompt, prompt + "\\ud800").encode(),
        "a lone low surrogate": text.replace(prompt, prompt + "\\udc00").encode(),
        "surrogates the wrong way round": text.replace(prompt, prompt + "\\udc00\\ud800").encode(),
        "a surrogate as a key": (text[:-1] + ', "\\ud800": 1}').encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-8 with a mark": b"\xef\xbb\xbf" + whole,
        "random bytes": bytes(range(128, 256)) * 4,
        "a null byte behind": whole + b"\0",
        "a raw control character": text.replace(prompt, prompt + "\x01").encode(),
        "a bad escape": text.replace(prompt, prompt + "\\x41").encode(),
        "half an escape": text.replace(prompt, prompt + "\\u12").encode(),
        "gzip": gzip.compress(whole),
    }
    for name, content in bodies.items():
        yield Malformed(name, content=content)
    # The local API Gateway replaces bytes that are not UTF-8 by replacement characters, and passes on the rest.
    for name, tail in {"Latin-1": b"\xe9", "overlong": b"\xc0\xaf", "a surrogate": b"\xed\xa0\x80"}.items():
        content = whole.replace(prompt.encode(), prompt.encode() + tail)
        yield Malformed(f"{name} in the place of UTF-8", content=content, refused=False)


def _wrong_values(prompt: str) -> Iterator[Malformed]:
    wrong: dict[str, tuple[Any, ...]] = {
        "model": (None, 1, True, [], {}, "", "x" * 101, ["veo3.1_fast"]),
        "promptText": (None, 1, 1.5, True, [prompt], {"text": prompt}, "", prompt + "x" * 1000, "\U0001f600" * 501),
        "ratio": (None, 1280, [1280, 720], {}, "", "1:1", "1280x720", prompt, "1280:720 "),
        "duration": ("4", 4.5, -4, 0, 10**30, True, [], {}, 1e308, 5),
        "seed": ("1", 1.5, [], True, {}),
        "audio": ("yes", 1, [], {}),
        "negativePrompt": (1, [], "", {"x": prompt}),
        "metadata": (None, [], "x", 1, {"a": 1}, {"a": None}, {"a": {}}, {"": "x"}, {"k" * 41: "x"}, {"a": "x" * 501}),
    }
    for name, values in wrong.items():
        for value in values:
            yield _create(f"{name}: {str(value)[:30]!r}", good(prompt) | {name: value})
    for name in good(prompt).keys() - {"duration"}:
        yield _create(f"no {name}", {key: value for key, value in good(prompt).items() if key != name})
    yield _create("21 entries of metadata", good(prompt) | {"metadata": {str(n): prompt for n in range(21)}})


def _wrong_media(prompt: str) -> Iterator[Malformed]:
    values: tuple[Any, ...] = (
        *(None, 1, {}, [], [{}], [1], [{"uri": 1, "position": "first"}], [{"uri": "https://a.example.com/b"}]),
        *("", "x", "lamp.png", "http://media.example.com/a.png", "ftp://media.example.com/a", "file:///etc/passwd"),
        *("https://127.0.0.1/a.png", "https://[::1]/a.png", "https://2130706433/a.png", "https://localhost/a.png"),
        *("https://[::1", "https://a.example.com:99999/a", "https://user:pass@media.example.com/a.png"),
        *("https://media.example.com/a b.png", f"https://media.example.com/{'a' * 2048}", "s3://bucket/key"),
        *("data:", "data:image/png,abc", "data:image/png;base64,", "data:image/png;base64,!!!!", "runway://"),
        *("data:image/png;base64,abc", "data:text/html;base64,YWJj", "data:video/mp4;base64,YWJj"),
        *(f"data:image/png;base64,{prompt}", "data:image/png;base64,ÿÿÿÿ", "data:image/png;base64,YWJj YWJj"),
    )
    for value in values:
        body = {"model": "gen4_turbo", "promptText": prompt, "promptImage": value, "ratio": "1280:720"}
        yield _create(f"promptImage: {str(value)[:40]!r}", body, "/v1/image_to_video")
    link = {"type": "video", "uri": "https://media.example.com/a.mp4"}
    for value in (None, "x", {}, {"type": "audio"}, {"type": []}, {"type": "image", "uri": 1}, [link], 1):
        body = {"model": "act_two", "character": value, "reference": link, "note": prompt}
        yield _create(f"character: {str(value)[:40]!r}", body, "/v1/character_performance")


def _too_large(prompt: str) -> Iterator[Malformed]:
    yield _create("a note of 2 MB", good(prompt) | {"note": "x" * 2_000_000})
    yield Malformed("5.6 MB of white space", content=b" " * 5_872_026)
    huge = "data:image/png;base64," + "A" * 5_300_000
    image = {"model": "gen4_turbo", "promptText": prompt, "promptImage": huge, "ratio": "1280:720"}
    yield _create("a data URI of 5.3 MB", image, "/v1/image_to_video")


def _odd_headers(prompt: str) -> Iterator[Malformed]:
    content = json.dumps(good(prompt)).encode()
    broken = content[:-1]
    types = ("", "text/plain", "application/xml", "application/octet-stream", "image/png", "multipart/form-data", "é/é")
    for content_type in types:
        # The body is read as JSON whatever its content type, so this one is refused for its content.
        yield Malformed(f"Content-Type {content_type!r}", content=broken, headers={"Content-Type": content_type})
    keys = ("", "x" * 256, "a\tb", "\x7f", "é" * 256)
    for key in keys:
        yield Malformed(f"Idempotency-Key {key[:20]!r}", content=content, headers={"Idempotency-Key": key})
    for count in ("", "-1", "1.5", "9" * 400, "²", "NaN", "0x1"):
        headers = {"X-Stainless-Retry-Count": count}
        yield Malformed(f"X-Stainless-Retry-Count {count[:20]!r}", content=broken, headers=headers)
    for name, value in {
        "Accept": "nonsense",
        "X-Runway-Version": "1999-01-01",
        "Content-Encoding": "gzip",
        "X-Forwarded-For": "'; DROP TABLE tasks",
        "Cookie": prompt,
        "X-Amzn-Trace-Id": prompt,
    }.items():
        yield Malformed(f"{name}: {value[:20]}", content=broken, headers={name: value})


def _odd_paths(prompt: str) -> Iterator[Malformed]:
    content = json.dumps(good(prompt)).encode()
    operations = (
        "no_such_operation",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%ff%fe",
        "a" * 3000,
        "text_to_video%20",
        "é",
        "%",
    )
    for operation in operations:
        yield Malformed(f"POST /v1/{operation[:30]}", path=f"/v1/{operation}", content=content)
    ids = ("x", "0", "%00", "%ff", "..", "%2e%2e%2ftasks", "a" * 3000, "é", "00000000-0000-0000-0000-000000000000", "%")
    for task_id in ids:
        for method in ("GET", "DELETE"):
            yield Malformed(f"{method} /v1/tasks/{task_id[:30]}", method, f"/v1/tasks/{task_id}")
    for method in ("PUT", "PATCH", "POST"):
        yield Malformed(f"{method} of a task", method, "/v1/tasks/x", content)


def _odd_queries(prompt: str) -> Iterator[Malformed]:
    forged: tuple[bytes, ...] = (
        b"[]",
        b"{}",
        b"null",
        b"1",
        b'["task#x"]',
        b'["client#x", "y"]',
        b"[1, 2]",
        b'"x"',
        b"\xff",
        b"[[[[",
    )
    lists = (["task#x", "y"], ["task#x", ""], ["task#", "y"], ["task#" + "x" * 3000, "y"], ["task#x", "y" * 1500])
    forged += tuple(json.dumps(each).encode() for each in (*lists, ["task#\ud800", "y"], ["task#x", "\ud800"]))
    encoded = [base64.urlsafe_b64encode(text).decode() for text in forged]
    for cursor in ("x", "%00", "é", "====", "a" * 5000, *encoded):
        yield Malformed(f"cursor {cursor[:30]!r}", "GET", f"/v1/tasks?cursor={cursor}")
    for limit in ("0", "-1", "101", "x", "1.5", "1e2", "9" * 5000, "²", "%00", ""):
        yield Malformed(f"limit {limit[:30]!r}", "GET", f"/v1/tasks?limit={limit}")
    for status in ("x", "succeeded", prompt, "%00", "SUCCEEDED%20", ""):
        yield Malformed(f"status {status[:30]!r}", "GET", f"/v1/tasks?status={status}")
    for query in ("?", "&&&", "=", "a[]=1", "limit=1&limit=0&limit=x", "%", "+", ";", prompt):
        yield Malformed(f"query {query[:30]!r}", "GET", f"/v1/tasks?{query}", refused=False)


def _create(name: str, body: Mapping[str, Any], path: str = CREATE) -> Malformed:
    return Malformed(name, path=path, content=json.dumps(body).encode())


def events(prompt: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, function, event) of events that API Gateway does not make, so the test invokes the function itself."""
    content = json.dumps(good(prompt))
    for name, body in {
        "bad base64": "!!!!",
        "base64 cut short": base64.b64encode(content.encode()).decode()[:-3],
        "base64 of bytes that are no text": base64.b64encode(b"\xff\xfe" + prompt.encode()).decode(),
        "base64 with a surrogate": "\ud800",
    }.items():
        yield name, "CreateTask", _event("POST /v1/{operation}", body=body, isBase64Encoded=True)
    route = "POST /v1/{operation}"
    yield "no body", "CreateTask", _event(route)
    yield "a body that is null", "CreateTask", _event(route, body=None)
    yield "a lone surrogate", "CreateTask", _event(route, body=content + "\ud800")
    yield "no headers", "CreateTask", _event(route, body=content[:-1], headers=None)
    yield "no path parameters", "ReadTasks", _event("GET /v1/tasks", queryStringParameters={"limit": "x"})
    yield "another route", "ReadTasks", _event("GET /v1/elsewhere")
    yield "an id that is not UTF-8", "ReadTasks", _event("GET /v1/tasks/{id}", pathParameters={"id": "\ud800"})
    yield "an empty id", "ReadTasks", _event("GET /v1/tasks/{id}", pathParameters={"id": ""})
    yield "an id longer than a key", "ReadTasks", _event("GET /v1/tasks/{id}", pathParameters={"id": "x" * 4000})
    for route_key in ("GET /v1/tasks", "GET /v1/tasks/{id}", "DELETE /v1/tasks/{id}"):
        context = {"requestId": "no-caller", "authorizer": {}}
        yield f"{route_key} without a caller", "ReadTasks", _event(route_key, requestContext=context)


def _event(route: str, **more: Any) -> dict[str, Any]:
    caller = {"client": "local", "scopes": "tasks"}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": CREATE,
        "headers": {"content-type": "application/json"},
        "pathParameters": {"operation": "text_to_video", "id": "x"},
        "requestContext": {"requestId": "malformed", "authorizer": {"lambda": caller}},
        **more,
    }
