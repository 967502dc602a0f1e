"""Rendered clips and the files handed out."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from PIL import Image

from local.simulator.outputs import OutputFile
from local.simulator.rendering import Clip, painted, picture_in, render


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def image_of(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


@pytest.mark.parametrize(("width", "height", "seconds"), [(1280, 720, 2), (832, 1104, 2)])
def test_a_clip_is_what_was_asked_for(tmp_path: Path, width: int, height: int, seconds: int) -> None:
    path = tmp_path / "clip"
    render(Clip(width, height, seconds, None, 3), 0, painted(3), path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 24
        assert (stream.width, stream.height, stream.frames) == (width, height, seconds * 24)
        assert container.duration == seconds * 1_000_000
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_same_clip_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        render(Clip(640, 480, 1, None, 5), 0, painted(5), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_clip_shows_its_picture_and_moves(tmp_path: Path, photo: bytes, number: int) -> None:
    (tmp_path / "photo").write_bytes(photo)
    picture = picture_in(tmp_path / "photo")
    assert picture is not None
    render(Clip(640, 480, 1, None, 0), number, picture, tmp_path / "clip")
    first, *_, last = (image_of(frame) for frame in frames_of(tmp_path / "clip"))
    red, _, blue = colour(first, 40, 240)
    assert red > 150 > 100 > blue
    red, _, blue = colour(first, 600, 240)
    assert blue > 150 > 100 > red
    assert first.tobytes() != last.tobytes()


def test_a_video_gives_its_first_frame_and_rubbish_gives_nothing(tmp_path: Path) -> None:
    render(Clip(640, 480, 1, None, 5), 0, painted(5), tmp_path / "video")
    picture = picture_in(tmp_path / "video")
    assert picture is not None
    assert picture.size == (640, 480)
    (tmp_path / "rubbish").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(600))
    assert picture_in(tmp_path / "rubbish") is None


@pytest.mark.parametrize("least_bytes", [0, 700_000])
def test_a_padded_output_still_plays(tmp_path: Path, least_bytes: int) -> None:
    render(Clip(640, 480, 1, None, 5), 0, painted(5), tmp_path / "clip")
    file = OutputFile(tmp_path / "clip", b"task/0", least_bytes)
    whole = b"".join(file.read())
    assert len(whole) == file.size_bytes
    assert file.size_bytes >= least_bytes
    with av.open(io.BytesIO(whole), "r") as container:
        assert len(list(container.decode(video=0))) == 24
    clip_bytes = (tmp_path / "clip").stat().st_size
    for start, stop in ((0, 10), (clip_bytes - 5, clip_bytes + 5), (clip_bytes + 3, clip_bytes + 20)):
        assert b"".join(file.read(start, stop)) == whole[start:stop]
