"""Still pictures, and sequences of them in a ZIP."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

# Few pictures per second of a sequence: real ones have 24 and need much disk space.
SEQUENCE_FRAMES_PER_SECOND: Final = 2
SEQUENCE_LONGEST_SIDE: Final = 480
_ZIP_TIME: Final = (2026, 1, 1, 0, 0, 0)


def render_still(kind: str, size: tuple[int, int], picture: Image.Image, path: Path) -> None:
    """Write the picture in this size as png, jpeg, webp, or as an svg that holds it."""
    if kind == "svg":
        path.write_text(_traced(picture, size))
        return
    options = {"png": {"compress_level": 1}, "jpeg": {"quality": 85}, "webp": {"method": 0}}[kind]
    ImageOps.fit(picture, size).save(path, kind.upper(), **options)


def render_sequence(kind: str, size: tuple[int, int], seconds: float, picture: Image.Image, path: Path) -> None:
    """Write a ZIP of frame_00001.png … (png_sequence) or .exr (exr_sequence), in reduced size."""
    extension, encode = ("png", _png) if kind == "png_sequence" else ("exr", _exr)
    with zipfile.ZipFile(path, "w") as archive:
        for number, frame in enumerate(_frames(size, seconds, picture), 1):
            archive.writestr(zipfile.ZipInfo(f"frame_{number:05}.{extension}", _ZIP_TIME), encode(frame))


def _frames(size: tuple[int, int], seconds: float, picture: Image.Image) -> Iterator[Image.Image]:
    """The camera moves closer."""
    scale = min(1.0, SEQUENCE_LONGEST_SIDE / max(size))
    small = (max(2, round(size[0] * scale)), max(2, round(size[1] * scale)))
    count = max(2, round(seconds * SEQUENCE_FRAMES_PER_SECOND))
    for number in range(count):
        yield ImageOps.fit(picture, small, bleed=0.1 * number / count)


def _png(frame: Image.Image) -> bytes:
    data = io.BytesIO()
    frame.save(data, "PNG", compress_level=1)
    return data.getvalue()


def _exr(frame: Image.Image) -> bytes:
    """OpenEXR: uncompressed scan lines of 16-bit floats, which Pillow cannot write."""
    width, height = frame.size
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channels = b"".join(name + b"\0" + struct.pack("<iB3xii", 1, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    attributes = (
        (b"channels", b"chlist", channels),
        (b"compression", b"compression", b"\0"),
        (b"dataWindow", b"box2i", box),
        (b"displayWindow", b"box2i", box),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    )
    head = struct.pack("<2i", 20000630, 2)
    for name, kind, value in attributes:
        head += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    head += b"\0"
    line_bytes = 3 * 2 * width
    first_line = len(head) + 8 * height
    offsets = struct.pack(f"<{height}q", *(first_line + y * (8 + line_bytes) for y in range(height)))
    planes = [_halves(plane) for plane in reversed(frame.split())]
    lines = (
        struct.pack("<2i", y, line_bytes) + b"".join(plane[2 * width * y : 2 * width * (y + 1)] for plane in planes)
        for y in range(height)
    )
    return head + offsets + b"".join(lines)


def _halves(plane: Image.Image) -> bytes:
    """Levels 0..255 as 16-bit floats 0..1."""
    table = [struct.pack("<e", level / 255) for level in range(256)]
    return b"".join(table[level] for level in plane.tobytes())


def _traced(picture: Image.Image, size: tuple[int, int]) -> str:
    """The picture as coarse coloured squares."""
    cells = 12
    small = ImageOps.fit(picture, (cells, cells)).convert("RGB")
    width, height = size[0] / cells, size[1] / cells
    levels = small.tobytes()
    squares = "".join(
        f'<rect x="{at % cells * width:.1f}" y="{at // cells * height:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="#{levels[3 * at : 3 * at + 3].hex()}"/>'
        for at in range(cells * cells)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}">{squares}</svg>'
