"""`make recording`: what a terminal shows, as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

from local.recording import final_screen, svg_of


def test_lines_that_are_written_over_are_shown_once() -> None:
    output = "up\n\x1b[?25lone   0 %\ntwo   0 %\r\x1b[2K\x1b[1A\x1b[2Kone 100 %\ntwo 100 %\n\x1b[?25hdone\n"
    assert final_screen(output) == ["up", "one 100 %", "two 100 %", "done", ""]


def test_colours_stay() -> None:
    assert final_screen("\x1b[1mbold\x1b[0m plain") == ["\x1b[1mbold\x1b[0m plain"]


def test_the_picture_shows_every_line_and_is_well_formed() -> None:
    picture = svg_of(["$ make demo", "\x1b[1m<done>\x1b[0m & archived"])
    root = ElementTree.fromstring(picture)  # noqa: S314 (our own text)
    shown = "".join(root.itertext()).replace("\xa0", " ")
    assert "$ make demo" in shown
    assert "<done>" in shown
    assert "& archived" in shown
    assert "@font-face" not in picture
