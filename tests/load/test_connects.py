"""A hundred pages connect at once to avatars that take three seconds to be ready."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.stack import StackInfo, running_stack
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.xdist_group("load")

CONNECTS = 100
ABSENT = 15
"""Pages whose viewer never enters."""
GONE = 10
"""Pages that are closed before they get a response."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A stack at Runway's own pace, so that waits are real."""
    parameters = {"UnclaimedSessionSeconds": "5"}
    with running_stack(tmp_path_factory.mktemp("load"), time_scale=1.0, parameters=parameters) as info:
        yield info


def test_a_hundred_connects_at_once(stack: StackInfo, capsys: pytest.CaptureFixture[str]) -> None:
    """Every connect gets a response and a token of its own, and every abandoned session is cancelled upstream."""
    kinds = ["gone"] * GONE + ["absent"] * ABSENT + ["entered"] * (CONNECTS - GONE - ABSENT)
    with ThreadPoolExecutor(CONNECTS) as pages:
        answers = list(pages.map(lambda kind: connect(stack, kind), kinds))

    answered = [answer for answer in answers if answer is not None]
    assert len(answered) == CONNECTS - GONE
    assert Counter(answer.status_code for answer in answered) == {200: CONNECTS - GONE}
    given = [answer.json() for answer in answered]
    for field in ("sessionId", "token", "roomName"):
        assert len({each[field] for each in given}) == CONNECTS - GONE, field

    entered = {each["sessionId"] for each, kind in zip(given, kinds[GONE:], strict=True) if kind == "entered"}

    def left() -> Counter[str]:
        """Return the count of sessions without a caller, by their status at Runway."""
        return Counter(each["status"] for each in sessions(stack) if each["id"] not in entered)

    alone = eventually(
        left,
        lambda found: found.keys() == {"CANCELLED"} and found["CANCELLED"] >= ABSENT,
        "every abandoned session to be cancelled at Runway",
    )
    assert ABSENT <= alone["CANCELLED"] <= ABSENT + GONE
    upstream = {each["id"]: each for each in sessions(stack)}
    assert {upstream[session_id]["status"] for session_id in entered} == {"RUNNING"}
    assert all(each["tokens"] <= 1 for each in upstream.values())
    with capsys.disabled():
        slowest = max(answer.elapsed.total_seconds() for answer in answered)
        print(f"\n{CONNECTS} connects at once: the last response after {slowest:.1f} s")


def connect(stack: StackInfo, kind: str) -> httpx.Response | None:
    """Return the response, None for a page that did not wait for it."""
    scenario = "ready=3" if kind == "entered" else "ready=3, absent=1"
    body = {"avatarId": "cat-character", "personality": f"[[sim: {scenario}]]"}
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    patience = 2.0 if kind == "gone" else 300.0
    try:
        with httpx.Client(headers=headers, timeout=httpx.Timeout(300.0, read=patience), trust_env=False) as page:
            return page.post(f"{stack.api_url}/api/avatar/connect", json=body)
    except httpx.ReadTimeout:
        return None


def sessions(stack: StackInfo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{stack.runway_base_url}/_simulator/sessions", trust_env=False).json()[
        "sessions"
    ]
    return found
