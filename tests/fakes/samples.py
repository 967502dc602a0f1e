"""Requests, files and tasks that several tests use."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tarmac.requests.media import SMALLEST_UPLOAD
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.rows import NoticeState
from tarmac.tasks.task import State, Task

NOW = 1_700_000_000.0
"""Where the manual clock starts."""

TASK_ID = "0b7c1de2-7a3f-4a51-9d63-0c5a8b1f2e47"

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A real image, smaller than any upload."""

PNG = PIXEL + bytes(SMALLEST_UPLOAD)
"""An image of the least size of an upload: bytes after its end are ignored."""

EVENTS = Path(__file__).parents[2] / "events"


def event(name: str) -> dict[str, Any]:
    """A fresh copy of `events/{name}.json`, to be used or changed."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


Call = Callable[..., dict[str, Any]]


def http_create(
    body: Any = None,
    *,
    text: str | None = None,
    base64: bool = False,
    headers: dict[str, str] | None = None,
    scopes: str | None = None,
) -> dict[str, Any]:
    """The sample of a create as API Gateway sends it, with another body (JSON, or `text` as it is)."""
    made = event("http-image-to-video")
    if text is not None or body is not None:
        made["body"] = json.dumps(body) if text is None else text
    made["isBase64Encoded"] = base64
    made["headers"] |= headers or {}
    if scopes is not None:
        made["requestContext"]["authorizer"]["lambda"]["scopes"] = scopes
    return made


def data_uri(content: bytes = PNG, content_type: str = "image/png") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


_GOOD: dict[tuple[str, str], dict[str, Any]] = {
    ("text_to_video", "gen4.5"): {
        "promptText": "A dog runs through a field of flowers",
        "ratio": "1280:720",
        "duration": 5,
    },
    ("text_to_video", "veo3"): {"promptText": "A harbour at night", "ratio": "1920:1080", "duration": 8},
    ("text_to_video", "veo3.1"): {"promptText": "A harbour at dawn", "ratio": "1080:1920", "duration": 4},
    ("text_to_video", "veo3.1_fast"): {"promptText": "A harbour in fog", "ratio": "720:1280", "audio": False},
    ("image_to_video", "gen4.5"): {
        "promptImage": "https://media.example.com/mountains.jpg",
        "promptText": "The camera pans to the right",
        "ratio": "1280:720",
        "duration": 5,
    },
    ("image_to_video", "gen4_turbo"): {
        "promptImage": "https://media.example.com/mountains.jpg",
        "ratio": "1584:672",
        "duration": 10,
    },
    ("image_to_video", "veo3"): {
        "promptImage": "runway://an-ephemeral-upload",
        "ratio": "1280:720",
        "duration": 8,
    },
    ("image_to_video", "veo3.1"): {
        "promptImage": [
            {"uri": "https://media.example.com/first.png", "position": "first"},
            {"uri": "https://media.example.com/last.png", "position": "last"},
        ],
        "ratio": "1280:720",
    },
    ("image_to_video", "veo3.1_fast"): {"promptImage": data_uri(), "ratio": "720:1280", "duration": 6},
    ("video_to_video", "gen4_aleph"): {
        "videoUri": "https://media.example.com/street.mp4",
        "promptText": "As a cartoon",
        "references": [{"type": "image", "uri": "https://media.example.com/style.webp"}],
        "ratio": "1280:720",
    },
    ("character_performance", "act_two"): {
        "character": {"type": "image", "uri": "https://media.example.com/knight.png"},
        "reference": {"type": "video", "uri": "https://media.example.com/actor.mp4"},
        "bodyControl": True,
        "expressionIntensity": 3,
        "seed": 4294967295,
        "ratio": "1280:720",
        "contentModeration": {"publicFigureThreshold": "auto"},
    },
}
"""One body for each required operation and model."""

OFFERED = tuple(_GOOD)


def good_body(operation: str, model: str, **changes: Any) -> dict[str, Any]:
    """A create that Runway takes. A change to None takes the field away."""
    body = copy.deepcopy(_GOOD[operation, model]) | {"model": model} | changes
    return {name: value for name, value in body.items() if value is not None}


def a_task(state: State = State.ACCEPTED, **changes: Any) -> Task:
    """A task as it stands in that state: claimed by `token`, bound to `up-1`, ended with its notice pending."""
    values: dict[str, Any] = {
        "id": TASK_ID,
        "client": "acme",
        "operation": "image_to_video",
        "model": "gen4_turbo",
        "created_at": NOW,
        "updated_at": NOW,
        "deadline_at": NOW + 3600,
        "state": state,
        "version": 3,
        "source": {"kind": "api"},
        "reserved_credits": 25.0,
        "estimated_credits": 25.0,
        "next_check_at": NOW,
    }
    if state is State.SUBMITTING:
        values |= {"claim": "token", "claimed_at": NOW, "attempt": 1}
    elif state is State.SUBMITTED:
        values |= {"upstream_id": "up-1", "upstream_status": "PENDING", "submitted_at": NOW, "attempt": 1}
    elif state.is_terminal:
        values |= {"ended_at": NOW, "notice_state": NoticeState.PENDING, "reserved_credits": 0.0}
    return Task(**(values | changes))


def issues_of(parse: Callable[..., object], *given: Any, **named: Any) -> list[Issue]:
    """The issues with which `parse` rejects what it is given."""
    try:
        parsed = parse(*given, **named)
    except InvalidRequest as rejection:
        return rejection.issues
    raise AssertionError(f"not rejected: {parsed!r}")
