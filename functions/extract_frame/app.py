"""State `KeepLastFrame` of the storyboard: the frame that a shot ends with, as the image that the next begins with."""

from __future__ import annotations

import json
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import boto3

FILM_BUCKET = os.environ["FILM_BUCKET"]
LAST_SECONDS = 2.0
s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{film, shot, taskId, video: {bucket, key}, credits}` in; the same and `frame: {bucket, key}` out.

    What goes out is also kept as an object: of a film that fails later it is all that is known. Safe to repeat.
    """
    film, shot, video = event["film"], event["shot"], event["video"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shot"
        s3.download_file(video["bucket"], video["key"], str(path))
        image = last_frame(path)
    frame = {"bucket": FILM_BUCKET, "key": f"films/{film}/frames/{shot:02}.png"}
    s3.put_object(Bucket=frame["bucket"], Key=frame["key"], Body=image, ContentType="image/png")
    kept = event | {"frame": frame}
    s3.put_object(
        Bucket=FILM_BUCKET,
        Key=f"films/{film}/shots/{shot:02}.json",
        Body=json.dumps(kept).encode(),
        ContentType="application/json",
    )
    print(json.dumps({"message": "frame kept", "film": film, "shot": shot, "taskId": event["taskId"]}))
    return kept


def last_frame(path: Path) -> bytes:
    """A video's last frame as a PNG: nothing is lost on the way into the next shot. Raises ValueError without one."""
    last = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration is not None and stream.time_base is not None:
            tail = stream.duration - round(LAST_SECONDS / stream.time_base)
            container.seek(max(0, (stream.start_time or 0) + tail), stream=stream)
        for frame in container.decode(stream):
            last = frame
    if last is None:
        raise ValueError("the video has no frames")
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = last.width, last.height, "rgb24"
    # A picture has no time, an encoder wants to be told one.
    encoder.time_base = last.time_base or Fraction(1)
    packets = [*encoder.encode(last.reformat(format="rgb24")), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
