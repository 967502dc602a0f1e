"""The public routes: health, the OpenAPI document, and the page that shows it."""

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
from tarmac.openapi import docs_page
from tests.fakes.loading import load_function
from tests.fakes.samples import event

Get = Callable[[str], dict[str, Any]]


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Get:
    """Returns the response to a GET without a client key."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    handler = load_function("describe_api", monkeypatch).handler

    def call(path: str) -> dict[str, Any]:
        response: dict[str, Any] = handler(event("http-health") | {"routeKey": f"GET {path}", "rawPath": path}, None)
        return response

    return call


def test_health_returns_the_version(get: Get) -> None:
    response = get("/health")
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"status": "ok", "version": "0.1.0"}
    assert response["headers"]["cache-control"] == "no-store"


def test_the_document_is_cached(get: Get) -> None:
    response = get("/openapi.json")
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "application/json")
    assert json.loads(response["body"])["openapi"] == "3.1.0"
    assert response["headers"]["cache-control"] == "public, max-age=300"
    assert get("/openapi.json")["body"] is response["body"]


def test_the_page_is_small_html(get: Get) -> None:
    response = get("/docs")
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    assert response["body"].startswith("<!doctype html>")
    assert len(response["body"]) < 50_000


def test_another_path_is_not_found(get: Get) -> None:
    assert get("/v1/tasks")["statusCode"] == 404


def test_it_does_not_import_boto3_or_httpx() -> None:
    """Without these imports, the function starts faster."""
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

    def test_allows_only_its_own_style_and_script(self) -> None:
        for tag in ("style", "script"):
            [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", self.html, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in self.policy
        assert self.policy.startswith("default-src 'none'; connect-src 'self'; ")
        assert "unsafe" not in self.policy

    def test_loads_only_the_document(self) -> None:
        assert re.findall(r"fetch\((.*?)\)", self.html) == ['"openapi.json"']
        assert not re.search(r"<(link|img|iframe|script src|base)\b", self.html)
        assert not re.search(r"(src|@import|url\()\s*=?\s*[\"']?(https?:)?//", self.html)

    def test_inserts_no_html(self) -> None:
        """Descriptions of parameters are shown as text."""
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", self.html)

    def test_has_no_inline_style_or_handler(self) -> None:
        markup = re.sub(r"<(style|script)>.*?</\1>", "", self.html, flags=re.DOTALL)
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", markup)
        assert "style:" not in self.html
