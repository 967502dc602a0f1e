"""Sounds: a soft chord of a given length."""

from __future__ import annotations

import array
import functools
import math
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.audio.frame

SAMPLE_RATE: Final = 48_000
_FRAME_SAMPLES: Final = 4_800
_CODECS: Final = {"mp3": "libmp3lame", "wav": "pcm_s16le", "flac": "flac", "ogg": "libopus"}
# An octave above 220 Hz in semitones, as whole Hz: one second of each repeats without a click.
_NOTES: Final = (220, 233, 247, 262, 277, 294, 311, 330, 349, 370, 392, 415)


def render_tone(kind: str, seconds: float, hue: int, path: Path) -> None:
    """Write mono 48 kHz audio of this kind (mp3, wav, flac, ogg); the hue chooses the note."""
    samples, one_second = round(seconds * SAMPLE_RATE), _second_of(_NOTES[hue % len(_NOTES)])
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(_CODECS[kind], rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=SAMPLE_RATE)
        for start in range(0, samples, _FRAME_SAMPLES):
            count = min(_FRAME_SAMPLES, samples - start)
            frame = av.AudioFrame(format="s16", layout="mono", samples=count)
            at = 2 * (start % SAMPLE_RATE)
            plane = frame.planes[0]
            # A plane is longer than its samples, to be aligned.
            plane.update(one_second[at : at + 2 * count].ljust(plane.buffer_size, b"\0"))
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


@functools.cache
def _second_of(hertz: int) -> bytes:
    """One second of a fifth above this note, as 16-bit samples."""
    turn = 2 * math.pi / SAMPLE_RATE
    low, high = hertz * turn, (hertz * 3 // 2) * turn
    return array.array(
        "h", (round(6000 * (math.sin(low * at) + 0.5 * math.sin(high * at))) for at in range(SAMPLE_RATE))
    ).tobytes()
