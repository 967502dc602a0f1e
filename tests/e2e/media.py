"""Input pictures, and a player's view of the output videos."""

from __future__ import annotations

import base64
import io
import math
import wave
from dataclasses import dataclass
from functools import cache

import av
from PIL import Image


@dataclass(frozen=True)
class Video:
    """What a player reads in a file."""

    width: int
    height: int
    seconds: float
    codec: str


def play(content: bytes) -> Video:
    """Decode every frame. Raises what PyAV raises on an invalid file."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        frames = len(list(container.decode(stream)))
        assert stream.average_rate
        seconds = frames / float(stream.average_rate)
        return Video(stream.width, stream.height, seconds, stream.codec_context.name)


@cache
def picture(kind: str = "JPEG") -> bytes:
    """A small two-coloured image."""
    image = Image.new("RGB", (320, 180), (200, 120, 40))
    image.paste((30, 60, 160), (160, 0, 320, 180))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@cache
def plain_picture() -> bytes:
    """A PNG of one colour: whatever is made of it is small."""
    buffer = io.BytesIO()
    Image.new("RGB", (320, 180), (128, 128, 128)).save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(content: bytes, content_type: str = "image/jpeg") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


@cache
def film() -> bytes:
    """Four seconds of H.264, of one colour."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (320, 180), (30, 60, 160)))  # type: ignore[no-untyped-call]
        for _ in range(40):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def sound() -> bytes:
    """Five seconds of a quiet tone, as WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(
            b"".join(int(3000 * math.sin(n / 3)).to_bytes(2, "little", signed=True) for n in range(40_000))
        )
    return buffer.getvalue()
