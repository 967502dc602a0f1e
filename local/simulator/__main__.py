"""`python -m local.simulator`: run until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.simulator.config import Config
from local.simulator.contract import models
from local.simulator.server import base_url, listen, server_for


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal, and print the base URL once the port is bound. Returns the exit code."""
    defaults = Config()
    parser = argparse.ArgumentParser("python -m local.simulator", description="Runway's API on loopback.")
    parser.add_argument("--port", type=int, default=4577, help="0 takes a free port (default %(default)s)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.05 is twenty times faster")
    parser.add_argument("--state-dir", type=Path, help="keep the state here across a restart")
    parser.add_argument("--concurrency", type=int, default=defaults.concurrency, help="running at once, per model")
    parser.add_argument("--daily-quota", type=int, help="creates per model in 24 hours (default: no limit)")
    parser.add_argument("--credit-balance", type=int, default=defaults.credit_balance)
    parser.add_argument("--output-ttl", type=float, default=defaults.output_ttl_seconds, help="seconds")
    parser.add_argument(
        "--key", action="append", help="accept only these API keys (or SIMULATOR_KEYS, comma-separated)"
    )
    parser.add_argument("--rtc-url", help="where live sessions send their viewers (default: this server's /rtc)")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    wanted = parser.parse_args(arguments)

    keys = wanted.key or os.environ.get("SIMULATOR_KEYS", "").split(",")
    config = Config(
        time_scale=wanted.time_scale,
        concurrency=wanted.concurrency,
        daily_quota=wanted.daily_quota,
        credit_balance=wanted.credit_balance,
        output_ttl_seconds=wanted.output_ttl,
        keys=frozenset(filter(None, (key.strip() for key in keys))),
        state_dir=wanted.state_dir,
        rtc_url=wanted.rtc_url,
    )
    try:
        listener = listen(wanted.port)
    except OSError as error:
        parser.error(f"port {wanted.port}: {error.strerror}")
    # uvicorn raises the signal again after a graceful shutdown; that must end with exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    server, _ = server_for(config, wanted.log_level)
    print(f"Runway simulator on {base_url(listener)}", flush=True)
    # Reads the SDK's types while the rest of the stack starts, so that the first create does not wait for them.
    threading.Thread(target=models, name="sdk-types", daemon=True).start()
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
