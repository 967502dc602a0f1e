"""Cases of the SDKs' resources: each takes one SDK and names the methods that it covers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.sdks import Sdk
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator


@dataclass(frozen=True)
class Stage:
    """Where a case plays: the stack from inside, Runway's side of it, and a folder of its own.

    Cases share one event loop, so a wait for the caller or the deployment belongs in a thread.
    """

    caller: Api
    deployment: Deployment
    simulator: Simulator
    folder: Path


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
