"""The file behind a link: the output of a task, or the file of an avatar, voice, preview or conversation."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.rendering import HUES, Clip, hue_of
from local.simulator.sessions import recording
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task, outputs_at

_PREVIEW_SIZE = (544, 352)
_SAMPLE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file to send. task: the task whose scenario may damage the download, None for other files."""

    clip: Clip
    kind: str
    task: Task | None = None


def delivery(simulator: Simulator, owner_id: str, number: int) -> Delivery | None:
    """The file with this number (from 0); None if there is none now."""
    now, library = simulator.now(), simulator.library
    if (task := simulator.find(owner_id)) is not None:
        return Delivery(task.clip, task.kind(number), task) if number < outputs_at(task, now) else None
    if number:
        return None
    if (avatar := library.avatars.get(owner_id)) is not None:
        return Delivery(Clip(*_PREVIEW_SIZE, 1, avatar.picture, hue_of(avatar.name)), "png")
    if (voice := library.voices.get(owner_id)) is not None:
        return Delivery(Clip(0, 0, _SAMPLE_SECONDS, None, hue_of(voice.name) % HUES), "mp3")
    if (preview := simulator.previews.get(owner_id)) is not None:
        return Delivery(preview, "mp3")
    session = library.sessions.get(owner_id)
    clip = None if session is None else recording(session, now)
    return None if clip is None else Delivery(clip, "mp4")
