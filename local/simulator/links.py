"""Signed links to files, made for one request."""

from __future__ import annotations

import math
from collections.abc import Callable

from starlette.requests import Request

from local.simulator.media import FORMATS
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task


def task_links(request: Request, simulator: Simulator, task: Task, count: int) -> list[str]:
    """Links to the first `count` outputs of a task."""
    ttl = task.scenario.output_ttl
    return [
        _link(request, simulator, task.id, number, FORMATS[task.kind(number)].extension, ttl) for number in range(count)
    ]


def linker(request: Request, simulator: Simulator) -> Callable[[str, str], str]:
    """A function that returns the link to the image, sound or recording of an id, by its extension."""
    return lambda owner_id, extension: _link(request, simulator, owner_id, 0, extension, None)


def _link(request: Request, simulator: Simulator, owner_id: str, number: int, extension: str, ttl: float | None) -> str:
    expires_at = simulator.now() + (simulator.config.output_ttl_seconds if ttl is None else ttl)
    base_url = str(request.base_url).rstrip("/")
    return simulator.links.link(base_url, owner_id, number, math.ceil(expires_at), extension)
