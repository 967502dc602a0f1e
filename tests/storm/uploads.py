"""Objects in the upload bucket, and their events: each is stored, and delivered repeatedly in any order."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

from tests.storm.callers import Tally
from tests.storm.requests import png
from tests.storm.rig import PATIENCE_SECONDS, Rig, Unanswered

FIRST_SEED = 20_001


class Uploads:
    """Puts objects, and receives their events on a separate queue."""

    def __init__(self, rig: Rig, tally: Tally, dice: random.Random) -> None:
        self._rig = rig
        self._tally = tally
        self._dice = dice
        self._put = 0
        self.events: list[Mapping[str, Any]] = []
        self._queue_url = rig.catch_uploads()

    @property
    def usable_events(self) -> list[Mapping[str, Any]]:
        return [event for event in self.events if event["detail"]["object"]["key"].endswith(".png")]

    def put(self, count: int) -> None:
        """Put usable pictures, a third of them with a scenario in which Runway's response is lost."""
        for number in range(self._put, self._put + count):
            directives = "seconds=2,create=lost" if number % 3 == 0 else "seconds=5"
            metadata = {"tarmac-seed": str(FIRST_SEED + number), "tarmac-prompt-text": f"a lamp [[sim:{directives}]]"}
            self._rig.put_upload(f"inbox/{number:04d}.png", png(), "image/png", metadata)
        self._put += count
        self._catch_up()

    def put_unusable(self, count: int) -> None:
        """Put texts, which are not an input of any model."""
        for number in range(self._put, self._put + count):
            self._rig.put_upload(f"inbox/{number:04d}.txt", b"no picture", "text/plain", {})
        self._put += count
        self._catch_up()

    def delete_some(self, count: int) -> None:
        """Tidy up objects whose tasks have ended, as their owners do."""
        for event in self._dice.sample(self.usable_events, count):
            self._rig.delete_upload(event["detail"]["object"]["key"])

    def redeliver_until(self, over: threading.Event) -> None:
        """Deliver known events again, in any order, while the storm lasts."""
        while not over.wait(0.3):
            if self.events:
                self._deliver(self._dice.choice(self.events))

    def deliver_all_again(self) -> None:
        """Deliver each event again, in any order, until the function returns: S3 delivers at least once."""
        for event in self._dice.sample(self.events, len(self.events)):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._deliver(event):
                assert time.monotonic() < deadline, "an event could not be delivered"

    def _deliver(self, event: Mapping[str, Any]) -> bool:
        try:
            self._rig.invoke("AcceptUpload", event)
        except Unanswered:
            return False
        self._tally.add("deliveries")
        return True

    def _catch_up(self) -> None:
        """Wait until the events of all objects are here."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.events) < self._put:
            assert time.monotonic() < deadline, f"{len(self.events)} events of {self._put} objects"
            self.events += [json.loads(message) for message in self._rig.messages(self._queue_url)]
            time.sleep(0.05)
