"""Shots become one film: every frame, in order, at its time, and copied where that is possible."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import av
import pytest
from PIL import Image

from tests.unit.storyboard.conftest import Load
from tests.unit.storyboard.footage import Footage, Played, play


@pytest.fixture
def join_film(load: Load) -> ModuleType:
    return load("join_film")


def joined(module: ModuleType, folder: Path, *shots: Footage) -> tuple[Played, bool]:
    """The film, and whether it was copied."""
    paths = [shot.write(folder / f"{number}.mp4") for number, shot in enumerate(shots)]
    film = module.join(paths, folder / "film.mp4")
    played = play(folder / "film.mp4")
    assert film.frames == len(played.times)
    assert float(film.seconds) == pytest.approx(sum(shot.frames / shot.rate for shot in shots), abs=0.001)
    return played, film.copied


def assert_continuous(played: Played, *shots: Footage) -> None:
    """The shots' frames one after the other, each shot at the pace that it had."""
    times: list[float] = []
    shades: list[int] = []
    begin = 0.0
    for shot in shots:
        times += [begin + number / shot.rate for number in range(shot.frames)]
        shades += [shot.shade + number for number in range(shot.frames)]
        begin += shot.frames / shot.rate
    assert played.times == pytest.approx(times, abs=0.001)
    assert played.shades == pytest.approx(shades, abs=3)


def test_shots_that_are_coded_alike_are_copied(join_film: ModuleType, tmp_path: Path) -> None:
    shots = Footage(shade=20), Footage(shade=90, frames=7), Footage(shade=160)
    played, copied = joined(join_film, tmp_path, *shots)
    assert copied
    assert_continuous(played, *shots)
    assert played.sound_seconds is None


def test_sound_is_copied_along_and_stays_beside_its_picture(join_film: ModuleType, tmp_path: Path) -> None:
    shots = [Footage(shade=20 + 60 * number, sound=True) for number in range(3)]
    played, copied = joined(join_film, tmp_path, *shots)
    assert copied
    assert_continuous(played, *shots)
    # An AAC frame at most is left out at each cut.
    assert played.sound_seconds == pytest.approx(1.5, abs=3 * 1024 / 48_000)


def test_a_film_of_one_shot_is_that_shot(join_film: ModuleType, tmp_path: Path) -> None:
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
def test_shots_that_are_coded_differently_are_coded_anew(
    join_film: ModuleType, tmp_path: Path, other: Footage, other_first: bool
) -> None:
    """In the size of the first, with bars where the shape differs, and with silence where one has no sound."""
    shots = (other, Footage(shade=20)) if other_first else (Footage(shade=20), other)
    played, copied = joined(join_film, tmp_path, *shots)
    assert not copied
    assert played.size == (shots[0].width, shots[0].height)
    assert_continuous(played, *shots)
    if other.sound:
        seconds = sum(shot.frames / shot.rate for shot in shots)
        assert played.sound_seconds == pytest.approx(seconds, abs=3 * 1024 / 48_000)


def test_a_file_that_is_no_video_joins_nothing(join_film: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no video")
    with pytest.raises(av.FFmpegError):
        join_film.join([Footage().write(tmp_path / "good.mp4"), tmp_path / "text"], tmp_path / "film.mp4")


@pytest.mark.parametrize("frames", [1, 12, 150])
def test_the_last_frame_of_a_shot_is_its_last(load: Load, tmp_path: Path, frames: int) -> None:
    """Also of a long one, which is not decoded from its beginning."""
    path = Footage(frames=frames, shade=20).write(tmp_path / "shot.mp4")
    image = Image.open(io.BytesIO(load("extract_frame").last_frame(path)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (160, 96))
    assert image.getpixel((80, 48))[0] == pytest.approx(20 + frames - 1, abs=3)  # type: ignore[index]
