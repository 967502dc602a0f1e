"""python -m bench.archive: an output on its way from Runway to S3, beside the usual way to copy it: CPU and memory.

Each copy is a process of its own and counts its own time; the server that it reads from and writes to is another, in
plain HTTP, so that neither side's TLS is in the figures. The two ways take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from bench.stub import World, world
from local.paths import ROOT

RUNS = 3
SIZES = {"200 MB": 200_000_000, "1 GB": 1_000_000_000}
CPU_MARK, MEMORY_MARK_MB = 0.85, 16

OURS = """\
from tarmac.aws.s3 import S3Objects
from tarmac.media.archive import archive_link
from tarmac.media.downloads import Downloader
objects, downloads = S3Objects("archive"), Downloader(frozenset({origin!r}.split()))
objects.link("warm", 60)
def copy(link):
    return archive_link(link, "output.{{}}".format, {{}}, downloads, objects, 1 << 40).sha256
"""
USUAL = "from copy_output import copy\n"
MEASURE = """
import json, resource
def used():
    return resource.getrusage(resource.RUSAGE_SELF)
copy({origin!r} + "/output/1000000")
before = used()
copy({origin!r} + "/output/{size}")
after = used()
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps([cpu, (after.ru_maxrss - before.ru_maxrss) / 1024]))
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """What one copy took; `memory_mb` beyond what the process had after a small one."""

    cpu_seconds: float
    memory_mb: float


def copy(way: str, size: int, server: World) -> Copy:
    """In a process of its own. Raises CalledProcessError."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "bench" / "usual"), str(ROOT / "layers" / "tarmac" / "python")]),
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    code = (way + MEASURE).format(origin=server.url, size=size)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return Copy(*json.loads(done.stdout))


def compare(size: int, server: World, runs: int) -> tuple[list[Copy], list[Copy]]:
    """Copies in the usual way and in Tarmac's, in turns."""
    pairs = [(copy(USUAL, size, server), copy(OURS, size, server)) for _ in range(runs)]
    return [usual for usual, _ in pairs], [ours for _, ours in pairs]


def row(name: str, size: int, usual: list[Copy], ours: list[Copy]) -> str:
    def told(copies: list[Copy]) -> str:
        seconds = median(one.cpu_seconds for one in copies) * 1e9 / size
        return f"{seconds:>7.1f} s/GB{max(one.memory_mb for one in copies):>+6.0f} MB"

    ratio = median(mine.cpu_seconds / its.cpu_seconds for mine, its in zip(ours, usual, strict=True))
    return f"{name:<16}{told(usual):>24}{told(ours):>24}{ratio:>8.2f}"


def main() -> int:
    print(f"{'CPU and memory':<16}{'usual':>24}{'Tarmac':>24}{'ratio':>8}     marks: {CPU_MARK}, +{MEMORY_MARK_MB} MB")
    with world() as server:
        for name, size in SIZES.items():
            print(row(name, size, *compare(size, server, RUNS)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
