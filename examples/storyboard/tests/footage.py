"""Small videos to join, and what a player finds in the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image


@dataclass(frozen=True)
class Footage:
    """Encoding of a shot. `shade` is the grey of its first frame; each later frame is one step brighter."""

    frames: int = 12
    width: int = 160
    height: int = 96
    rate: int = 24
    sound: bool = False
    sound_rate: int = 48_000
    shade: int = 0

    def write(self, path: Path) -> Path:
        with av.open(str(path), "w", format="mp4") as container:
            video = container.add_stream("libx264", rate=self.rate, options={"crf": "10", "threads": "1"})
            video.width, video.height, video.pix_fmt = self.width, self.height, "yuv420p"
            audio = container.add_stream("aac", rate=self.sound_rate, layout="stereo") if self.sound else None
            for number in range(self.frames):
                level = self.shade + number
                image = Image.new("RGB", (self.width, self.height), (level, level, level))
                frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
                frame.pts, frame.time_base = number, Fraction(1, self.rate)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if audio is not None:
                for number, sound in enumerate(self._sounds()):
                    sound.pts = number * 1024
                    container.mux(audio.encode(sound))
                container.mux(audio.encode(None))
        return path

    def _sounds(self) -> Iterator[av.AudioFrame]:
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add("sine", f"frequency=440:sample_rate={self.sound_rate}:duration={self.frames / self.rate}"),
            graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={self.sound_rate}"),
            graph.add("asetnsamples", "n=1024:p=0"),
            graph.add("abuffersink"),
        ).configure()
        while True:
            try:
                sound = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(sound, av.AudioFrame)
            yield sound


@dataclass(frozen=True)
class Played:
    """A decoded video. times: of the frames, in seconds. shades: the grey in the middle of each frame, 0 to 255."""

    times: list[float]
    shades: list[int]
    size: tuple[int, int]
    sound_seconds: float | None


def play(path: Path) -> Played:
    """Decode all of a file."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    sound_seconds = None
    with av.open(str(path)) as container:
        if container.streams.audio:
            stream = container.streams.audio[0]
            sound_seconds = sum(frame.samples for frame in container.decode(stream)) / stream.rate
    images = [frame.to_image() for frame in frames]  # type: ignore[no-untyped-call]
    return Played(
        [float(frame.time or 0) for frame in frames],
        [image.getpixel((image.width // 2, image.height // 2))[0] for image in images],
        images[0].size,
        sound_seconds,
    )
