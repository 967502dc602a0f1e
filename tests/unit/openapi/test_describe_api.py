"""What anybody may call: health, the document, and the page that reads it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from local.paths import ROOT
from tarmac import VERSION
from tarmac.openapi import docs_page
from tests.fakes.loading import load_function
from tests.fakes.samples import event

Get = Callable[[str], dict[str, Any]]


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Get:
    """The response to a GET without a key."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    handler = load_function("describe_api", monkeypatch).handler

    def got(path: str) -> dict[str, Any]:
        answer: dict[str, Any] = handler(event("http-health") | {"routeKey": f"GET {path}", "rawPath": path}, None)
        return answer

    return got


def test_health(get: Get) -> None:
    answer = get("/health")
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"status": "ok", "version": VERSION}
    assert answer["headers"]["cache-control"] == "no-store"


def test_the_document(get: Get) -> None:
    answer = get("/openapi.json")
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/json")
    assert json.loads(answer["body"])["openapi"] == "3.1.0"
    assert answer["headers"]["cache-control"] == "public, max-age=300"
    assert get("/openapi.json")["body"] is answer["body"]


def test_the_page(get: Get) -> None:
    answer = get("/docs")
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer["body"].startswith("<!doctype html>")
    assert len(answer["body"]) < 50_000


def test_another_path(get: Get) -> None:
    assert get("/v1/tasks")["statusCode"] == 404


def test_it_asks_nothing_of_aws() -> None:
    """Not even for the library: it starts the faster for that."""
    script = f"""
import sys
sys.path[:0] = [{str(ROOT / "layers/tarmac/python")!r}, {str(ROOT / "functions/describe_api")!r}]
import app
print(sorted({{"boto3", "httpx"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestPage:
    html = docs_page().html
    policy = docs_page().headers["content-security-policy"]

    def test_runs_its_own_style_and_script_alone(self) -> None:
        for tag in ("style", "script"):
            [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", self.html, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in self.policy
        assert self.policy.startswith("default-src 'none'; connect-src 'self'; ")
        assert "unsafe" not in self.policy

    def test_asks_for_nothing_but_the_document(self) -> None:
        assert re.findall(r"fetch\((.*?)\)", self.html) == ['"openapi.json"']
        assert not re.search(r"<(link|img|iframe|script src|base)\b", self.html)
        assert not re.search(r"(src|@import|url\()\s*=?\s*[\"']?(https?:)?//", self.html)

    def test_reads_nothing_as_html(self) -> None:
        """What the document says of parameters is text, whoever wrote it."""
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", self.html)

    def test_has_nothing_inline_that_its_policy_forbids(self) -> None:
        markup = re.sub(r"<(style|script)>.*?</\1>", "", self.html, flags=re.DOTALL)
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", markup)
        assert "style:" not in self.html
