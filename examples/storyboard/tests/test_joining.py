"""Joining shots: every frame in order and at its time, copied without encoding where possible."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import av
import pytest
from PIL import Image

from examples.storyboard.tests.conftest import Load
from examples.storyboard.tests.footage import Footage, Played, play


@pytest.fixture
def join_film(load: Load) -> ModuleType:
    return load("join_film")


def joined(module: ModuleType, folder: Path, *shots: Footage) -> tuple[Played, bool]:
    """Join shots; return the film and whether its streams were copied."""
    paths = [shot.write(folder / f"{number}.mp4") for number, shot in enumerate(shots)]
    film = module.join(paths, folder / "film.mp4")
    played = play(folder / "film.mp4")
    assert film.frames == len(played.times)
    assert float(film.seconds) == pytest.approx(sum(shot.frames / shot.rate for shot in shots), abs=0.001)
    return played, film.copied


def assert_continuous(played: Played, *shots: Footage) -> None:
    """The film has the frames of all shots in order, each shot at its own frame rate."""
    times: list[float] = []
    shades: list[int] = []
    begin = 0.0
    for shot in shots:
        times += [begin + number / shot.rate for number in range(shot.frames)]
        shades += [shot.shade + number for number in range(shot.frames)]
        begin += shot.frames / shot.rate
    assert played.times == pytest.approx(times, abs=0.001)
    assert played.shades == pytest.approx(shades, abs=3)


def test_shots_with_the_same_encoding_are_copied(join_film: ModuleType, tmp_path: Path) -> None:
    shots = Footage(shade=20), Footage(shade=90, frames=7), Footage(shade=160)
    played, copied = joined(join_film, tmp_path, *shots)
    assert copied
    assert_continuous(played, *shots)
    assert played.sound_seconds is None


def test_audio_is_copied_and_stays_in_sync(join_film: ModuleType, tmp_path: Path) -> None:
    shots = [Footage(shade=20 + 60 * number, sound=True) for number in range(3)]
    played, copied = joined(join_film, tmp_path, *shots)
    assert copied
    assert_continuous(played, *shots)
    # At most one AAC frame is left out at each cut.
    assert played.sound_seconds == pytest.approx(1.5, abs=3 * 1024 / 48_000)


def test_a_film_of_one_shot_equals_the_shot(join_film: ModuleType, tmp_path: Path) -> None:
    played, copied = joined(join_film, tmp_path, Footage(shade=20, sound=True))
    assert copied
    assert_continuous(played, Footage(shade=20))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Footage(shade=120, width=192, height=96), id="size"),
        pytest.param(Footage(shade=120, width=96, height=160), id="shape"),
        pytest.param(Footage(shade=120, sound=True), id="sound"),
        pytest.param(Footage(shade=120, width=192, rate=30, sound=True, sound_rate=44_100), id="all"),
    ],
)
@pytest.mark.parametrize("other_first", [False, True])
def test_shots_with_different_encodings_are_encoded_again(
    join_film: ModuleType, tmp_path: Path, other: Footage, other_first: bool
) -> None:
    """In the size of the first shot, with bars if the aspect ratio differs, and silence for a shot without audio."""
    shots = (other, Footage(shade=20)) if other_first else (Footage(shade=20), other)
    played, copied = joined(join_film, tmp_path, *shots)
    assert not copied
    assert played.size == (shots[0].width, shots[0].height)
    assert_continuous(played, *shots)
    if other.sound:
        seconds = sum(shot.frames / shot.rate for shot in shots)
        assert played.sound_seconds == pytest.approx(seconds, abs=3 * 1024 / 48_000)


def test_a_file_that_is_not_a_video_raises(join_film: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a video")
    with pytest.raises(av.FFmpegError):
        join_film.join([Footage().write(tmp_path / "good.mp4"), tmp_path / "text"], tmp_path / "film.mp4")


@pytest.mark.parametrize("frames", [1, 12, 150])
def test_last_frame_returns_the_last_frame(load: Load, tmp_path: Path, frames: int) -> None:
    """Also for a long shot, which is not decoded from its start."""
    path = Footage(frames=frames, shade=20).write(tmp_path / "shot.mp4")
    image = Image.open(io.BytesIO(load("extract_frame").last_frame(path)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (160, 96))
    assert image.getpixel((80, 48))[0] == pytest.approx(20 + frames - 1, abs=3)  # type: ignore[index]
