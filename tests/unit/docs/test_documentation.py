"""README.md and docs/: generated pages are current, links resolve, and the README keeps its limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.documentation import pages
from local.paths import ROOT

README = ROOT / "README.md"
MOST_LINES = 200
MOST_WORDS = 25
PAGES = sorted([README, ROOT / "events" / "README.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"(?ms)^```.*?^```$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    """The page without code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(path))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> list[str]:
    """Relative links of the page to a missing file or heading."""
    broken = []
    for link in _LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def sentences(text: str) -> list[str]:
    """Sentences of paragraphs, list items, headings and table cells, without their markup."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[*#|]|\d+\.) ?)|\|", text)
    return [sentence for block in blocks for sentence in re.split(r"(?<=[.!?])\s+", " ".join(block.split()))]


def words(sentence: str) -> int:
    return len(re.findall(r"[\w$][\w$.,'-]*", sentence))


def test_generated_pages_are_current() -> None:
    """`make docs` writes them again."""
    assert [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(path: Path) -> None:
    assert broken_links(path) == []


def test_a_link_to_a_missing_heading_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](#one) [b](#two) [c](page.md#one) [d](other.md) [e](https://example.com/#x)\n")
    assert broken_links(page) == ["#two", "other.md"]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_no_sentence_of_the_readme_is_long() -> None:
    assert [sentence for sentence in sentences(prose(README)) if words(sentence) > MOST_WORDS] == []


def test_a_long_sentence_is_found_across_lines_and_lists() -> None:
    text = f"Short one.\n* {'word ' * 13}\n{'word ' * 13}end.\n* Short two.\n"
    assert [words(sentence) for sentence in sentences(text)] == [2, 27, 2]


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("[0-9]*.md"):
        number = int(path.name[:4])
        title, date = re.findall(rf"\A# {number}\. (.+)\n\nDate: (\d{{4}}-\d\d-\d\d)\n", path.read_text())[0]
        assert f"| [{number}]({path.name}) | {title} | {date} |" in index


def test_the_picture_of_the_demo_needs_nothing_from_elsewhere() -> None:
    """No fonts from a CDN, and no address but the local stack's."""
    picture = (ROOT / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    addresses = re.findall(r"https?://[^/\s<\"]+", picture)
    assert {address for address in addresses if "127.0.0.1" not in address} <= {"http://www.w3.org"}
    assert str(ROOT) not in picture
