"""python -m bench.archive: CPU and memory to copy an output from Runway to S3, compared with the usual implementation.

Each copy runs and is measured in its own process. It reads from and writes to a local server over plain HTTP, so the
figures contain no TLS. The two implementations take turns.
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
CPU_TARGET, MEMORY_TARGET_MB = 0.85, 16

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
    """Cost of one copy. memory_mb: growth of the process since a small copy before."""

    cpu_seconds: float
    memory_mb: float


def copy(setup: str, size: int, server: World) -> Copy:
    """Measure a copy in a new process. setup: source that defines `copy(link)`. Raises CalledProcessError."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "bench" / "usual"), str(ROOT / "layers" / "tarmac" / "python")]),
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    code = (setup + MEASURE).format(origin=server.url, size=size)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return Copy(*json.loads(done.stdout))


def compare(size: int, server: World, runs: int) -> tuple[list[Copy], list[Copy]]:
    """Return the costs of the usual implementation and of Tarmac's, measured in turns."""
    pairs = [(copy(USUAL, size, server), copy(OURS, size, server)) for _ in range(runs)]
    return [usual for usual, _ in pairs], [ours for _, ours in pairs]


def row(name: str, size: int, usual: list[Copy], ours: list[Copy]) -> str:
    """Return a line: median CPU time and largest memory of both, and the median ratio of CPU times."""

    def shown(copies: list[Copy]) -> str:
        seconds = median(one.cpu_seconds for one in copies) * 1e9 / size
        return f"{seconds:>7.1f} s/GB{max(one.memory_mb for one in copies):>+6.0f} MB"

    ratio = median(mine.cpu_seconds / its.cpu_seconds for mine, its in zip(ours, usual, strict=True))
    return f"{name:<16}{shown(usual):>24}{shown(ours):>24}{ratio:>8.2f}"


def main() -> int:
    targets = f"targets: {CPU_TARGET}, +{MEMORY_TARGET_MB} MB"
    print(f"{'CPU and memory':<16}{'usual':>24}{'Tarmac':>24}{'ratio':>8}     {targets}")
    with world() as server:
        for name, size in SIZES.items():
            print(row(name, size, *compare(size, server, RUNS)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
