"""Rendered clips and output files."""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import av
import pytest
from PIL import Image

from local.simulator.media import FORMATS
from local.simulator.outputs import OutputFile
from local.simulator.rendering import Clip, painted, picture_in, render
from local.simulator.stills import render_sequence, render_still
from local.simulator.tones import render_tone


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
def test_a_clip_has_the_requested_size_and_length(tmp_path: Path, width: int, height: int, seconds: int) -> None:
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
    assert red > 150
    assert blue < 100
    red, _, blue = colour(first, 600, 240)
    assert blue > 150
    assert red < 100
    assert first.tobytes() != last.tobytes()


def test_a_video_gives_its_first_frame_and_invalid_data_gives_none(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_carries_its_task_id_and_stays_readable(tmp_path: Path, kind: str) -> None:
    """Padded or not, it can be opened, has the requested size, and any range of it can be read."""
    render_kind(kind, tmp_path / "rendered")
    plain = OutputFile(tmp_path / "rendered", b"a-task/0", 0, kind)
    least_bytes = plain.size_bytes + 5000
    padded = OutputFile(tmp_path / "rendered", b"a-task/0", least_bytes, kind)
    for file in (plain, padded):
        whole = b"".join(file.read())
        assert len(whole) == file.size_bytes
        assert b"a-task/0" in whole
        assert b"".join(file.read(100, 4000)) == whole[100:4000]
        assert b"".join(file.read(len(whole) - 50, len(whole) + 50)) == whole[-50:]
        open_kind(kind, whole)
    if kind != "svg":
        assert padded.size_bytes == least_bytes


def render_kind(kind: str, path: Path) -> None:
    if FORMATS[kind].content_type.startswith("audio/"):
        render_tone(kind, 1.5, 3, path)
    elif FORMATS[kind].content_type.startswith("video/"):
        render(Clip(320, 240, 1, None, 5), 0, painted(5), path, kind)
    elif kind.endswith("_sequence"):
        render_sequence(kind, (320, 240), 1, painted(5), path)
    else:
        render_still(kind, (320, 240), painted(5), path)


def open_kind(kind: str, data: bytes) -> None:
    major = FORMATS[kind].content_type.partition("/")[0]
    if kind.endswith("_sequence"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == 2
    elif kind == "svg":
        assert ElementTree.fromstring(data).get("width") == "320"  # noqa: S314
    elif major == "image":
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert (image.size, image.format) == ((320, 240), kind.upper())
    else:
        with av.open(io.BytesIO(data), "r") as container:
            stream = container.streams[0]
            seconds = (
                sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)) if major == "audio" else 1
            )
            assert (stream.type, round(seconds, 1)) == (major, 1.5 if major == "audio" else 1)


def test_a_tone_has_the_requested_length_and_is_not_silent(tmp_path: Path) -> None:
    render_tone("wav", 2.25, 0, tmp_path / "tone.wav")
    with wave.open(str(tmp_path / "tone.wav")) as tone:
        assert (tone.getnchannels(), tone.getframerate(), tone.getnframes()) == (1, 48_000, 108_000)
        samples = memoryview(tone.readframes(48_000)).cast("h")
    assert 4000 < max(samples) < 12_000


def test_sizes_above_full_hd_are_rendered_smaller() -> None:
    assert Clip(3840, 2160, 5, None, 0).frame == (1920, 1080)
    assert Clip(880, 2200, 5, None, 0).frame == (768, 1920)
    assert Clip(1104, 832, 5, None, 0).frame == (1104, 832)
