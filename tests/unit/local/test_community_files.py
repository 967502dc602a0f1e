"""Files that the documents for contributors name exist."""

import re

import pytest

from local.paths import ROOT

PATH = re.compile(r"`((?:tests|docs|local|layers|functions|requirements|events)/[\w./-]*\w)/?`")
LINK = re.compile(r"\]\(([\w./-]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_named_files_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    named = {*PATH.findall(text), *LINK.findall(text)}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
