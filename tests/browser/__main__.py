"""`make test-browser`: the example page as built for production, a real browser, a local stack of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.paths import ROOT
from local.process import LOOPBACK, Service, answers, free_port
from local.stack import StackInfo, running_stack
from tests import node

PAGE = ROOT / "examples" / "avatar-call"
TESTS = ROOT / "tests" / "browser"
VITE = ("node", str(PAGE / "node_modules" / "vite" / "bin" / "vite.js"))
TIME_SCALE = 0.1


def main() -> int:
    """0 if all tests passed, 2 without a browser."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if browser is None:
        print("No chromium here: apt-get install chromium, or name a browser: CHROMIUM=/path", file=sys.stderr)
        return 2
    for folder in (PAGE, TESTS):
        node.install(folder)
    port = free_port()
    page_url = f"http://{LOOPBACK}:{port}"
    with tempfile.TemporaryDirectory(prefix="tarmac-browser-") as name:
        scratch = Path(name)
        build(scratch / "page")
        with (
            running_stack(scratch / "stack", time_scale=TIME_SCALE, cors_origins=page_url) as info,
            served(scratch, port, info),
        ):
            variables = {"PAGE_URL": page_url, "API_URL": info.api_url, "RUNWAY_URL": info.runway_base_url}
            return node.run_tests([TESTS / "avatar-call.test.mjs"], {**variables, "CHROMIUM": browser})


def build(folder: Path) -> None:
    command = [*VITE, "build", "--outDir", str(folder), "--emptyOutDir", "--logLevel", "error"]
    subprocess.run(command, cwd=PAGE, env=node.environment(), check=True)


@contextlib.contextmanager
def served(scratch: Path, port: int, info: StackInfo) -> Iterator[None]:
    """The built page behind its own server, which knows the key."""
    folder = str(scratch / "page")
    server = Service(
        name="the page's server",
        command=[*VITE, "preview", "--outDir", folder, "--host", LOOPBACK, "--port", str(port)],
        arguments=["preview", folder],
        pid_file=scratch / "page.pid",
        log_file=scratch / "page.log",
        port=port,
        settings="",
    )
    server.start(node.environment({"TARMAC_API_URL": info.api_url, "TARMAC_API_KEY": info.api_key}), PAGE)
    try:
        server.wait_ready(lambda: answers(f"http://{LOOPBACK}:{port}/"), patience_seconds=30)
        yield
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
