"""Real, playable outputs: for a video an H.264 MP4 in which a camera slowly moves over a picture.

The same Clip always renders to the same bytes. Text prompts share a small set of hues, so that a thousand tasks
need only a few renders.
"""

from __future__ import annotations

import asyncio
import colorsys
import contextlib
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.filter
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from PIL import Image, ImageOps

from local.simulator.media import FORMATS
from local.simulator.stills import render_sequence, render_still
from local.simulator.storage import Storage
from local.simulator.tones import render_tone

FRAME_RATE: Final = 24
HUES: Final = 12
# 4K takes a minute to encode, so larger sizes are rendered smaller, in the same ratio.
LONGEST_SIDE: Final = 1920
# The camera moves over a picture larger than the frame: with less margin its whole-pixel steps would show.
_OVERSIZE: Final = 1.5
_ZOOM: Final = 0.15
# x264 slices by thread, so the bytes depend on this number; it must not depend on the machine.
_ENCODER: Final = {"preset": "superfast", "crf": "26", "threads": "2"}
_MOTIONS: Final = (
    {"z": "1+{zoom}*on/{frames}", "x": "(iw-iw/zoom)/2", "y": "(ih-ih/zoom)/2"},
    {"z": "1+{zoom}*(1-on/{frames})", "x": "(iw-iw/zoom)/2", "y": "(ih-ih/zoom)/2"},
    {"z": "1+{zoom}", "x": "(iw-iw/zoom)*on/{frames}", "y": "(ih-ih/zoom)/2"},
)


@dataclass(frozen=True, slots=True)
class Clip:
    """What to render. picture: SHA-256 of a stored image or video; None for a generated one in this hue."""

    width: int
    height: int
    seconds: float
    picture: str | None
    hue: int

    def name(self, number: int, kind: str = "mp4") -> str:
        """The file name of the task's output of this number (from 0) and format."""
        seed = repr((*astuple(self), number % len(_MOTIONS), kind))
        return f"{hashlib.sha256(seed.encode()).hexdigest()[:32]}.{FORMATS[kind].extension}"

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of a video's frames."""
        scale = min(1.0, LONGEST_SIDE / max(self.width, self.height))
        return _even(self.width * scale), _even(self.height * scale)

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * FRAME_RATE))


def hue_of(prompt: str) -> int:
    """The hue of the picture that is generated for this prompt."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()[0] % HUES


def render(clip: Clip, number: int, picture: Image.Image, path: Path, kind: str = "mp4") -> None:
    """Write the MP4 or MOV: yuv420p, 24 frames a second, index in front."""
    width, height = clip.frame
    canvas = ImageOps.fit(picture, (_even(width * _OVERSIZE), _even(height * _OVERSIZE)))
    frame_time = Fraction(1, FRAME_RATE)
    with av.open(str(path), "w", format=kind, options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        camera = _camera(clip, number, canvas.size)
        still = av.VideoFrame.from_image(canvas).reformat(  # type: ignore[no-untyped-call]
            format="yuv420p"
        )
        still.pts, still.time_base = 0, frame_time
        camera.push(still)
        camera.push(None)
        for position in range(clip.frames):
            try:
                frame = camera.pull()
            except (NothingYet, NothingMore):
                break
            assert isinstance(frame, av.VideoFrame)
            frame.pts, frame.time_base = position, frame_time
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def picture_in(path: Path) -> Image.Image | None:
    """The image in a file, or the first frame of the video in it; None if it holds neither."""
    # Pillow's decoders raise many types on damaged files; all mean "not a picture".
    with contextlib.suppress(Exception), Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")
    try:
        with av.open(str(path)) as container:
            frame: Image.Image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
            return frame
    except (av.FFmpegError, IndexError, StopIteration):
        return None


def painted(hue: int) -> Image.Image:
    """A generated picture: a sun over a gradient, in one of HUES colours."""
    size = (960, 960)
    turn = hue / HUES
    dark, light, sun = (
        tuple(round(255 * part) for part in colorsys.hsv_to_rgb((turn + shift) % 1, saturation, value))
        for shift, saturation, value in ((0.0, 0.8, 0.25), (0.08, 0.55, 0.95), (0.5, 0.35, 1.0))
    )
    sky = ImageOps.colorize(Image.linear_gradient("L").resize(size), dark, light)
    glow = Image.radial_gradient("L").resize((640, 640)).point(lambda level: max(0, 255 - 2 * level))
    sky.paste(Image.new("RGB", glow.size, sun), (80 + 20 * hue % 240, 120), glow)
    return sky


class Studio:
    """Renders each clip once, on a few threads; concurrent requests wait for the same file."""

    def __init__(self, storage: Storage, threads: int = 2) -> None:
        self._storage = storage
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="render")
        self._under_way: dict[str, asyncio.Future[Path]] = {}

    async def file(self, clip: Clip, number: int, kind: str) -> Path:
        """The finished file of this output, in a format of media.FORMATS."""
        name = clip.name(number, kind)
        if name not in self._under_way:
            loop = asyncio.get_running_loop()
            self._under_way[name] = loop.run_in_executor(self._pool, self._make, clip, number, kind)
        try:
            return await asyncio.shield(self._under_way[name])
        finally:
            if (future := self._under_way.get(name)) is not None and future.done():
                del self._under_way[name]

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, clip: Clip, number: int, kind: str) -> Path:
        def make(path: Path) -> None:
            if FORMATS[kind].content_type.startswith("audio/"):
                render_tone(kind, clip.seconds, clip.hue + number, path)
                return
            kept = picture_in(self._storage.content(clip.picture)) if clip.picture else None
            if kind in ("mp4", "mov"):
                render(clip, number, kept or painted(clip.hue), path, kind)
                return
            # Several stills of one task differ in hue, unless they show an input.
            picture = kept or painted((clip.hue + number) % HUES)
            if kind.endswith("_sequence"):
                render_sequence(kind, clip.frame, clip.seconds, picture, path)
            else:
                render_still(kind, (clip.width, clip.height), picture, path)

        return self._storage.clip(clip.name(number, kind), make)


def _camera(clip: Clip, number: int, canvas: tuple[int, int]) -> av.filter.Graph:
    frames, (width, height) = clip.frames, clip.frame
    motion = _MOTIONS[number % len(_MOTIONS)]
    moves = ":".join(f"{axis}={move.format(zoom=_ZOOM, frames=frames)}" for axis, move in motion.items())
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=canvas[0], height=canvas[1], format=av.VideoFormat("yuv420p"), time_base=Fraction(1, FRAME_RATE)
    )
    zoom = graph.add("zoompan", f"{moves}:d={frames}:s={width}x{height}:fps={FRAME_RATE}")
    sink = graph.add("buffersink")
    source.link_to(zoom)
    zoom.link_to(sink)
    graph.configure()
    return graph


def _even(length: float) -> int:
    return round(length / 2) * 2
