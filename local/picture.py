"""The image that the demo starts from: a file of the user, or a painted one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from local.errors import LocalError

LARGEST_INLINE_BYTES = 3_500_000


def picture_for_demo(file: str | None) -> bytes:
    """Return the bytes of a JPEG or PNG: the user's file, scaled down if too large to send inline, or a painted image.

    Raise LocalError if the file is missing or is not an image.
    """
    from PIL import Image, UnidentifiedImageError

    if file is None:
        image = _painted()
    else:
        path = Path(file).expanduser()
        try:
            content = path.read_bytes()
            image = Image.open(io.BytesIO(content))
            image.load()
        except FileNotFoundError as error:
            raise LocalError(f"FILE={file}: file not found") from error
        except (OSError, UnidentifiedImageError) as error:
            raise LocalError(f"FILE={file}: not a readable image") from error
        if image.format in ("JPEG", "PNG") and len(content) <= LARGEST_INLINE_BYTES:
            return content
        image.thumbnail((2560, 2560))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _painted() -> Any:
    """Paint a sunset over hills and a lake."""
    from PIL import Image, ImageDraw, ImageFilter

    width, height = 1280, 720
    sky = Image.linear_gradient("L").resize((width, height))
    image = Image.merge(
        "RGB",
        (sky.point(lambda v: 70 + v * 2 // 3), sky.point(lambda v: 50 + v // 3), sky.point(lambda v: 140 - v // 4)),
    )
    glow = Image.new("RGB", (width, height))
    ImageDraw.Draw(glow).ellipse((520, 250, 760, 490), fill=(255, 190, 90))
    image = Image.blend(
        image, Image.composite(glow, image, glow.convert("L").filter(ImageFilter.GaussianBlur(60))), 0.6
    )
    draw = ImageDraw.Draw(image)
    draw.ellipse((575, 305, 705, 435), fill=(255, 226, 150))
    for base, step, shade in ((430, 97, (88, 60, 92)), (480, 61, (58, 42, 74)), (540, 43, (34, 28, 52))):
        ridge = [(x, base + (x * step // 37 % 50) - 25) for x in range(0, width + 80, 80)]
        draw.polygon([(0, height), *ridge, (width, height)], fill=shade)
    draw.rectangle((0, 600, width, height), fill=(46, 40, 78))
    for row in range(606, height, 12):
        half = 20 + (row - 600) // 2
        draw.line((640 - half, row, 640 + half, row), fill=(214, 150, 110), width=3)
    return image.filter(ImageFilter.GaussianBlur(1))
