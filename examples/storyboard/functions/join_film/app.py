"""State `JoinFilm`: joins all shots of a film, in order, into one MP4 file."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import av.filter
import boto3
from av.audio.fifo import AudioFifo
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.video.stream import VideoStream

# Fine enough for every frame rate: shots with different rates keep all their frames and their speed.
TICK = Fraction(1, 90_000)
SAMPLE_RATE = 48_000
SAMPLES_OF_A_FRAME = 1024
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Films:
    """The bucket of films, and the client that reads and writes it."""

    s3: Any
    bucket: str


@cache
def films() -> Films:
    """Return the bucket that the environment names. Made once per process."""
    return Films(boto3.client("s3"), os.environ["FILM_BUCKET"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take `{film, shots: [{shot, taskId, video: {bucket, key}, …}]}`; return it with the joined file.

    The file is `joined: {bucket, key, bytes, sha256, frames, seconds, copied}`. Idempotent: the same shots give the
    same film under the same key.
    """
    film, shots = event["film"], event["shots"]
    s3, bucket = films().s3, films().bucket
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, shot in enumerate(shots):
            paths.append(Path(folder) / f"{number}")
            s3.download_file(shot["video"]["bucket"], shot["video"]["key"], str(paths[-1]))
        target = Path(folder) / "film.mp4"
        made = join(paths, target)
        key = f"films/{film}/film.mp4"
        s3.upload_file(str(target), bucket, key, ExtraArgs={"ContentType": "video/mp4"})
        size, sha256 = target.stat().st_size, _sha256(target)
    joined = {
        "bucket": bucket,
        "key": key,
        "bytes": size,
        "sha256": sha256,
        "frames": made.frames,
        "seconds": round(float(made.seconds), 3),
        "copied": made.copied,
    }
    log.info("film joined", extra={"film": film, "shots": len(shots), "bytes": size})
    return event | {"joined": joined}


@dataclass(frozen=True)
class Film:
    """What join() has written. copied: whether the streams were copied, which loses no quality."""

    frames: int
    seconds: Fraction
    copied: bool


@dataclass(frozen=True)
class Shot:
    """One opened file: start and length of its video in seconds, and its offset in the film."""

    container: InputContainer
    video: VideoStream
    audio: AudioStream | None
    begin: Fraction
    seconds: Fraction
    frames: int
    offset: Fraction


def join(paths: Sequence[Path], target: Path) -> Film:
    """Write the MP4: streams are copied if all shots have the same encoding, and encoded again otherwise.

    Raise PyAV's own errors if a file is not a video.
    """
    with ExitStack() as opened:
        shots: list[Shot] = []
        for path in paths:
            offset = shots[-1].offset + shots[-1].seconds if shots else Fraction(0)
            shots.append(_open(opened.enter_context(av.open(str(path))), path, offset))
        alike = len({_coding(shot) for shot in shots}) == 1
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            (_copy if alike else _encode)(shots, film)
    return Film(sum(shot.frames for shot in shots), shots[-1].offset + shots[-1].seconds, alike)


def _open(container: InputContainer, path: Path, offset: Fraction) -> Shot:
    video = container.streams.video[0]
    # Counted, because the header may round these numbers or omit them.
    begins, ends = [], []
    with av.open(str(path)) as counted:
        for packet in counted.demux(counted.streams.video[0]):
            if packet.pts is not None:
                begins.append(packet.pts * packet.time_base)
                ends.append((packet.pts + (packet.duration or 0)) * packet.time_base)
    audio = container.streams.audio[0] if container.streams.audio else None
    return Shot(container, video, audio, min(begins), max(ends) - min(begins), len(begins), offset)


def _coding(shot: Shot) -> tuple[object, ...]:
    """Return a value that is equal for shots whose packets can share a stream: an MP4 stream has one configuration."""
    video = shot.video.codec_context
    coding: tuple[object, ...] = (video.name, video.width, video.height, video.pix_fmt, video.extradata)
    if shot.audio is None:
        return coding
    audio = shot.audio.codec_context
    return (*coding, audio.name, audio.sample_rate, audio.layout.name, audio.extradata)


def _copy(shots: Sequence[Shot], film: OutputContainer) -> None:
    video = film.add_stream_from_template(shots[0].video)
    audio = film.add_stream_from_template(shots[0].audio) if shots[0].audio else None
    heard_until = Fraction(-1)
    for shot in shots:
        for packet in shot.container.demux([stream for stream in (shot.video, shot.audio) if stream is not None]):
            if packet.pts is None or packet.dts is None:
                continue
            is_sound = packet.stream is shot.audio
            shift = round((shot.offset - shot.begin) / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            if is_sound:
                # Audio frames have a length of their own: those that would overlap the next shot are left out.
                at = packet.dts * packet.time_base
                if at <= heard_until or at >= shot.offset + shot.seconds:
                    continue
                heard_until = at
            packet.stream = audio if is_sound and audio else video
            film.mux(packet)


def _encode(shots: Sequence[Shot], film: OutputContainer) -> None:
    first = shots[0].video
    video = film.add_stream("libx264", rate=first.average_rate or 24, options={"preset": "veryfast", "crf": "17"})
    video.width, video.height, video.pix_fmt = first.width // 2 * 2, first.height // 2 * 2, "yuv420p"
    video.time_base = video.codec_context.time_base = TICK
    audio = None
    if any(shot.audio for shot in shots):
        audio = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    fifo = AudioFifo()
    samples = 0
    for shot in shots:
        for picture in _video_frames(shot, video.width, video.height):
            at = Fraction(picture.pts or 0) * (picture.time_base or TICK)
            picture.pts, picture.time_base = round((shot.offset - shot.begin + at) / TICK), TICK
            picture.pict_type = av.video.frame.PictureType.NONE
            film.mux(video.encode(picture))
        for sound in _audio_frames(shot) if audio else ():
            sound.pts = None
            fifo.write(sound)
            while (full := fifo.read(SAMPLES_OF_A_FRAME)) is not None:
                full.pts, samples = samples, samples + full.samples
                assert audio is not None
                film.mux(audio.encode(full))
    film.mux(video.encode(None))
    if audio is not None:
        if (rest := fifo.read(SAMPLES_OF_A_FRAME, partial=True)) is not None:
            rest.pts = samples
            film.mux(audio.encode(rest))
        film.mux(audio.encode(None))


def _video_frames(shot: Shot, width: int, height: int) -> Iterator[av.VideoFrame]:
    """Yield all frames in this size, with bars if the aspect ratio differs."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(template=shot.video),
        graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease"),
        graph.add("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2"),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    for frame in shot.container.decode(shot.video):
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _audio_frames(shot: Shot) -> Iterator[av.AudioFrame]:
    """Yield audio exactly as long as the video: cut, or padded with silence."""
    graph = av.filter.Graph()
    form = f"sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    if shot.audio is None:
        nodes = [graph.add("anullsrc", f"r={SAMPLE_RATE}:cl=stereo")]
    else:
        nodes = [graph.add_abuffer(template=shot.audio), graph.add("apad")]
    nodes += [
        graph.add("aformat", form),
        graph.add("atrim", f"end={float(shot.seconds):.6f}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    if shot.audio is not None:
        shot.container.seek(0)
        for frame in shot.container.decode(shot.audio):
            graph.push(frame)
            yield from _pulled(graph)
        graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (NothingYet, NothingMore):
            return


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
