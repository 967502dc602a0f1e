"""Bodies of creates. Each has a unique marker in the prompt, by which a test finds its traces everywhere.

`scenario` holds the simulator's directives (local/simulator/directives.py). The default is the shortest life: the first
poll finds the task ended.
"""

from __future__ import annotations

import uuid
from typing import Any

QUICK = "seconds=3"


def marker() -> str:
    """A word that occurs nowhere else."""
    return f"m{uuid.uuid4().hex}"


def prompt(scenario: str = QUICK, text: str = "A lamp in the fog") -> str:
    return f"{text} {marker()}" + (f" [[sim: {scenario}]]" if scenario else "")


def text_to_video(scenario: str = QUICK, **changes: Any) -> dict[str, Any]:
    return {
        "model": "veo3.1_fast",
        "promptText": prompt(scenario),
        "ratio": "1280:720",
        "duration": 4,
    } | changes


def image_to_video(scenario: str = QUICK, **changes: Any) -> dict[str, Any]:
    return {
        "model": "gen4_turbo",
        "promptImage": "https://media.example.com/lighthouse.jpg",
        "promptText": prompt(scenario),
        "ratio": "1280:720",
        "duration": 2,
    } | changes


def mark_of(body: dict[str, Any]) -> str:
    """The marker of a body made here."""
    return next(word for word in str(body["promptText"]).split() if len(word) == 33 and word[0] == "m")
