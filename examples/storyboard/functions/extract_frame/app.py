"""State `KeepLastFrame`: stores the last frame of a shot, which is the first image of the next one."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import boto3

# Only the end of a shot is decoded.
TAIL_SECONDS = 2.0
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
    """Take `{film, shot, taskId, video: {bucket, key}, credits}`; return it with `frame: {bucket, key}`.

    The result is also stored as an object: if the film fails later, AnnounceFilm finds its shots there. Idempotent.
    """
    film, shot, video = event["film"], event["shot"], event["video"]
    s3, bucket = films().s3, films().bucket
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shot"
        s3.download_file(video["bucket"], video["key"], str(path))
        image = last_frame(path)
    frame = {"bucket": bucket, "key": f"films/{film}/frames/{shot:02}.png"}
    s3.put_object(Bucket=bucket, Key=frame["key"], Body=image, ContentType="image/png")
    result = event | {"frame": frame}
    record = f"films/{film}/shots/{shot:02}.json"
    s3.put_object(Bucket=bucket, Key=record, Body=json.dumps(result).encode(), ContentType="application/json")
    log.info("frame stored", extra={"film": film, "shot": shot, "taskId": event["taskId"]})
    return result


def last_frame(path: Path) -> bytes:
    """Return the last frame of a video as a PNG, which loses no quality. Raise ValueError if there is none."""
    last = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration is not None and stream.time_base is not None:
            tail = stream.duration - round(TAIL_SECONDS / stream.time_base)
            container.seek(max(0, (stream.start_time or 0) + tail), stream=stream)
        for frame in container.decode(stream):
            last = frame
    if last is None:
        raise ValueError("the video has no frames")
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = last.width, last.height, "rgb24"
    # An image has no duration, but an encoder requires a time base.
    encoder.time_base = last.time_base or Fraction(1)
    packets = [*encoder.encode(last.reformat(format="rgb24")), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
