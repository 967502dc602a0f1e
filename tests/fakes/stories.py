"""States from which steps are tested: a task accepted, bought, running, done at Runway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tarmac.tasks.accept import Order, accept
from tarmac.tasks.submit import submit
from tarmac.tasks.task import State, Task
from tests.fakes.runway import MP4
from tests.fakes.samples import good_body
from tests.fakes.world import World

DEADLINE_SECONDS = 21_600.0


def an_order(operation: str = "image_to_video", model: str = "gen4_turbo", **changes: Any) -> Order:
    """A create of the client `acme`; changes to the body by name."""
    return Order(operation, "acme", good_body(operation, model, **changes), {"kind": "api"})


def accepted(world: World, operation: str = "image_to_video", model: str = "gen4_turbo", **changes: Any) -> Task:
    return accept(an_order(operation, model, **changes), world, DEADLINE_SECONDS).task


def submitted(world: World, **changes: Any) -> Task:
    """Return a bought task, bound to `up-1` if it is the world's first."""
    task = accepted(world, **changes)
    assert submit(task.id, world, 0).word == "running"
    return world.tasks.get(task.id)


def succeeded(world: World, outputs: int = 1) -> Task:
    """Return a task that Runway has finished, with outputs, and that Tarmac has not polled since."""
    task = submitted(world)
    assert task.upstream_id is not None
    links = tuple(f"https://cdn.example/{task.upstream_id}/{n}.mp4" for n in range(1, outputs + 1))
    world.runway.now(task.upstream_id, "SUCCEEDED", output=links, cost_credits=50.0)
    world.downloads.contents |= {link: MP4 + bytes([n]) for n, link in enumerate(links, start=1)}
    return task


def standing(world: World, task: Task, state: State, **changes: Any) -> Task:
    """Put the row into a state by hand."""
    now = replace(task, state=state, version=task.version + 1, **changes)
    from tarmac.ports import Put
    from tarmac.tasks.task import to_row

    world.table.write(Put(to_row(now), over=task.version))
    return now
