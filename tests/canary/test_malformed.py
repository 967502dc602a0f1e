"""Nonsense of every kind gets a 4xx with a reason, never a 5xx."""

from __future__ import annotations

import string
from collections import Counter
from urllib.parse import quote

import httpx
import pytest

from tests.canary.malformed import Malformed, events, requests
from tests.storm.rig import Rig

pytestmark = pytest.mark.xdist_group("canary")

GATEWAYS_OWN = (404, 405, 411, 413, 414, 431)
"""The field of API Gateway's own responses, to requests that reach no function."""


def test_no_request_is_answered_with_5xx(stack: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of hundreds of malformed requests gets a response of the function itself, with an `error` in words."""
    answers: Counter[int] = Counter()
    wrong: list[str] = []
    headers = {"Authorization": f"Bearer {stack.info.api_key}", "Content-Type": "application/json"}
    with httpx.Client(base_url=stack.info.api_url, headers=headers, trust_env=False, timeout=60) as api:
        for request in requests("a lamp at night"):
            answer = send(api, request)
            answers[answer.status_code] += 1
            if not _is_right(answer, request.refused):
                wrong.append(f"{request.name}: {answer.status_code} {answer.text[:200]}")
    for name, function, event in events("a lamp at night"):
        reply = stack.invoke(function, event)
        answers[reply["statusCode"]] += 1
        if not 400 <= reply["statusCode"] < 500 or '"error":"' not in reply["body"]:
            wrong.append(f"{name}: {reply}")
    assert not wrong, "\n".join(wrong)
    assert answers.total() >= 100
    with capsys.disabled():
        print(f"\nmalformed requests: {answers.total()}, answered {dict(sorted(answers.items()))}")


def send(api: httpx.Client, request: Malformed) -> httpx.Response:
    """Return the response to a request, whose path and headers are sent unchanged."""
    headers = {name: value.encode("latin-1") for name, value in request.headers.items()}
    base = httpx.URL(str(api.base_url).rstrip("/") + "/")
    # Only characters beyond ASCII are escaped: the rest is sent unchanged, half an escape included.
    path = quote(request.path, safe=string.printable)
    url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path.encode("ascii"))
    return api.request(request.method, url, content=request.content, headers=headers)  # type: ignore[arg-type]


def _is_right(answer: httpx.Response, refused: bool) -> bool:
    if answer.status_code < 400:
        return not refused
    if answer.status_code >= 500:
        return False
    try:
        body = answer.json()
    except ValueError:
        return False
    reason = body.get("error") or (answer.status_code in GATEWAYS_OWN and body.get("message"))
    return isinstance(reason, str) and bool(reason)
