"""Files, make targets and packages that the documents for contributors name exist."""

import re

import pytest

from local.paths import DOMAIN, ROOT

PATH = re.compile(r"`((?:tests|docs|local|layers|functions|requirements|events)/[\w./-]*\w)/?`")
LINK = re.compile(r"\]\(([\w./-]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_named_files_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    named = {*PATH.findall(text), *LINK.findall(text)}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_make_targets_of_the_guide_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    named = {target for targets in re.findall(r"`make ([a-z -]+)`", guide) for target in targets.split()}
    assert named
    assert sorted(target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)) == []


def test_packages_of_the_guide_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    table = guide.partition("## Find your way")[2].partition("Inside a feature")[0]
    named = re.findall(r"`(\w+)(/?)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert named
    missing = [name for name, slash in named if not (DOMAIN / "tarmac" / (name if slash else f"{name}.py")).exists()]
    assert missing == []
