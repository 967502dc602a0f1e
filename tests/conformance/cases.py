"""Cases of the SDKs' resources: each takes one SDK and names the methods that it covers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tarmac.tasks.task import Task
from tests.conformance.sdks import Sdk
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator


@dataclass(frozen=True)
class Stage:
    """Where a case plays: the stack from inside, Runway's side of it, and a folder of its own.

    Cases share one event loop, so its methods wait in threads.
    """

    caller: Api
    deployment: Deployment
    simulator: Simulator
    folder: Path

    async def ended(self, task_id: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.caller.ended, task_id)

    async def announced(self, task_id: str) -> Task:
        return await asyncio.to_thread(self.deployment.announced, task_id)


Play = Callable[[Sdk, Stage], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    name: str
    covers: tuple[str, ...]
    play: Play


@dataclass(frozen=True)
class Cases:
    """All cases of a module, by name."""

    by_name: dict[str, Case] = field(default_factory=dict)

    def covering(self, *methods: str) -> Callable[[Play], Play]:
        """Of what follows: a case that calls these."""

        def add(play: Play) -> Play:
            name = play.__name__
            self.by_name[name] = Case(name, methods, play)
            return play

        return add

    @property
    def covered(self) -> set[str]:
        return {method for case in self.by_name.values() for method in case.covers}
