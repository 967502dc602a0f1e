"""The outside world in memory: the ports of `tarmac.ports`, with a clock that tests move."""

from tests.fakes.aws import MemoryExecutions, MemoryObjects, MemoryTable, MemoryTopic
from tests.fakes.runway import FakeRunway
from tests.fakes.world import ManualClock, World

__all__ = [
    "FakeRunway",
    "ManualClock",
    "MemoryExecutions",
    "MemoryObjects",
    "MemoryTable",
    "MemoryTopic",
    "World",
]
