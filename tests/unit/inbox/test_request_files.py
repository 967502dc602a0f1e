"""Files of requests: each request is found once, with the line it begins on, in chunks that are read separately."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox import request_files
from tarmac.inbox.batch import LINES_PER_CHUNK, chunk_number
from tarmac.inbox.keys import Form
from tarmac.inbox.request_files import BadRow, FileUnreadable, Plan, Record, plan_of, records_of, request_of_cells


def records(content: bytes, form: Form) -> list[Record]:
    """Read the requests as RunBatch does: each chunk from its own bytes, with the plan read back from JSON."""
    made = plan_of(io.BytesIO(content), form)
    plan = Plan.from_json(json.loads(json.dumps(made.as_json())))
    assert plan == made
    found = []
    for span in plan.spans:
        chunk = list(records_of(plan, span, io.BytesIO(content[span.start : span.end]).read))
        assert len(chunk) == span.records
        assert {chunk_number(record.line) for record in chunk} == {span.chunk}
        found += chunk
    assert len(found) == plan.records
    return found


@given(
    st.lists(
        st.sampled_from([b"", b"  ", b'{"a": 1}', '{"ü": "\u2028 \u0085"}'.encode(), b"not json", b"\xff\xfe"]),
        min_size=1,
    ),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_each_line_that_is_not_blank_is_one_request(lines: list[bytes], end: bytes, last: bool, bom: bool) -> None:
    content = (b"\xef\xbb\xbf" if bom else b"") + end.join(lines) + (end if last else b"")
    wanted = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not wanted:
        with pytest.raises(FileUnreadable, match="no request"):
            plan_of(io.BytesIO(content), Form.LINES)
        return
    assert [(record.line, bytes(record.content).strip(b"\r\n")) for record in records(content, Form.LINES)] == wanted  # type: ignore[arg-type]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=80), st.sampled_from(",;\t"))
def test_each_row_is_one_request_with_any_text_in_its_cells(rows: list[list[str]], delimiter: str) -> None:
    """Cells may contain line breaks, quotes and delimiters."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["promptText", "ratio", "metadata.shot"])
    writer.writerows(rows)
    wanted = [tuple(row) for row in rows if any(cell.strip() for cell in row)]
    content = written.getvalue().encode()
    if not wanted:
        with pytest.raises(FileUnreadable):
            plan_of(io.BytesIO(content), Form.TABLE)
        return
    found = records(content, Form.TABLE)
    assert [record.content for record in found] == wanted
    starts = [record.line for record in found]
    assert starts == sorted(set(starts))
    assert starts[0] >= 2


def test_ten_thousand_lines_are_four_hundred_chunks() -> None:
    content = b"".join(b'{"n": %d}\n' % number for number in range(10_000))
    plan = plan_of(io.BytesIO(content), Form.LINES)
    assert (plan.records, len(plan.spans)) == (10_000, 10_000 // LINES_PER_CHUNK)
    assert [record.line for record in records(content, Form.LINES)] == list(range(1, 10_001))


@pytest.mark.parametrize(("form", "header"), [(Form.LINES, b""), (Form.TABLE, b"a")])
def test_blank_lines_count_towards_the_lines_of_a_chunk(form: Form, header: bytes) -> None:
    lines = [header, *[b""] * 99]
    for number in (10, 30, 60, 61):
        lines[number - 1] = b"7"
    content = b"\n".join(lines)
    assert [record.line for record in records(content, form)] == [10, 30, 60, 61]
    assert [(span.chunk, span.first_line, span.records) for span in plan_of(io.BytesIO(content), form).spans] == [
        (chunk_number(10), 10, 1),
        (chunk_number(30), 30, 1),
        (chunk_number(60), 60, 2),
    ]


@pytest.mark.parametrize("form", [Form.LINES, Form.TABLE])
def test_a_file_is_read_in_pieces(form: Form) -> None:
    sizes: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.append(size or -1)
            return super().read(size)

    plan_of(Watched((b"x" * 999 + b"\n") * 1000), form)
    assert len(sizes) > 3
    assert all(0 < size <= 1024 * 1024 for size in sizes)


def test_a_record_that_is_cut_off_is_an_error() -> None:
    """A stream of a chunk that ends early must not buy half of a prompt."""
    content = b'promptText\n"A dog\nruns"\n'
    plan = plan_of(io.BytesIO(content), Form.TABLE)
    cut = content[plan.spans[0].start : content.index(b"runs")]
    with pytest.raises(csv.Error):
        list(records_of(plan, plan.spans[0], io.BytesIO(cut).read))


def test_a_table_as_spreadsheets_save_it_is_read() -> None:
    """A byte order mark, semicolons, CRLF, empty cells to the right, empty rows below."""
    content = "\ufeffpromptText;ratio;;\r\nMöwen;1280:720;;\r\n;;;\r\n\r\n".encode()
    [record] = records(content, Form.TABLE)
    assert record == Record(2, ("Möwen", "1280:720", "", ""))
    assert request_of_cells(plan_of(io.BytesIO(content), Form.TABLE).columns, record.content) == {  # type: ignore[arg-type]
        "promptText": "Möwen",
        "ratio": "1280:720",
    }


@pytest.mark.parametrize(
    ("content", "form", "reason"),
    [
        (b"", Form.LINES, "no request"),
        (b"\n \n", Form.LINES, "no request"),
        (b"", Form.TABLE, "must name the columns"),
        (b"promptText\n", Form.TABLE, "no request"),
        (b'promptText,ratio\na,b\n"never closed,c\nd,e\n', Form.TABLE, "from line 3 on"),
        (b'promptText\n"a"b\n', Form.TABLE, "from line 2 on"),
        (b'"promptText"s\na\n', Form.TABLE, "from line 1 on"),
        (b"b,a,,b,a,c,\n1,2,3,4,5,6,7\n", Form.TABLE, "same name: a, b"),
        (b"promptText,\x80\na,b\n", Form.TABLE, "UTF-8"),
        (b"promptText,\xff\na,b\n", Form.TABLE, "UTF-8"),
        (b"promptText,promptText\na,b\n", Form.TABLE, "same name: promptText"),
        ("promptText,Größe\na,b\n".encode("latin-1"), Form.TABLE, "UTF-8"),
    ],
)
def test_an_invalid_file_is_rejected_with_the_line(content: bytes, form: Form, reason: str) -> None:
    with pytest.raises(FileUnreadable, match=reason):
        plan_of(io.BytesIO(content), form)


def test_a_file_above_a_limit_is_rejected_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_files, "LONGEST_LINE", 1000)
    monkeypatch.setattr(request_files, "MOST_LINES", 3)
    with pytest.raises(FileUnreadable, match="Line 2 is longer"):
        plan_of(io.BytesIO(b"{}\n" + b"x" * 1001), Form.LINES)
    with pytest.raises(FileUnreadable, match="Line 2 is longer"):
        plan_of(io.BytesIO(b"{}\n" + b"x" * 1001 + b"\n{}\n"), Form.LINES)
    with pytest.raises(FileUnreadable, match="record on line 2"):
        plan_of(io.BytesIO(b'a\n"' + b"x\n" * 501 + b'"\n'), Form.TABLE)
    with pytest.raises(FileUnreadable, match="contains 4 requests"):
        plan_of(io.BytesIO(b"{}\n" * 4), Form.LINES)


def test_a_file_at_the_limits_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_files, "LONGEST_LINE", 1000)
    monkeypatch.setattr(request_files, "MOST_LINES", 3)
    longest = b"x" * 999 + b"\n"
    for content, form in (
        (b"{}\n" * 3, Form.LINES),
        (longest * 3, Form.LINES),
        (longest + b"x" * 1000, Form.LINES),
        (b"a\n" + longest * 3, Form.TABLE),
        (b"a\n" + (b'"' + b"x\n" * 498 + b'x"\n') * 3, Form.TABLE),
    ):
        assert records(content, form)
    with pytest.raises(FileUnreadable, match="Line 2 is longer than 1000 bytes"):
        plan_of(io.BytesIO(b"{}\n" + b"x" * 1000 + b"\n"), Form.LINES)
    with pytest.raises(FileUnreadable, match="Line 3 is longer than 1000 bytes"):
        plan_of(io.BytesIO(b"a\nb\n" + b"x" * 1000 + b"\n"), Form.TABLE)


@pytest.mark.parametrize(
    ("columns", "cells", "reason"),
    [
        (("a", "b"), ("1", "2", "", "3"), "The line has 4 cells; the header has 2."),
        (("a", ""), ("1", "2" * 50), f"A cell is in a column without a name: '{'2' * 40}'."),
        (("a",), ("\udcff",), "The line is not UTF-8. Save the file as CSV UTF-8."),
    ],
)
def test_an_invalid_row_is_rejected_with_the_reason(
    columns: tuple[str, ...], cells: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(BadRow) as rejected:
        request_of_cells(columns, cells)
    assert str(rejected.value) == reason


def test_empty_cells_are_left_out() -> None:
    assert request_of_cells(("a", "", "b", "c"), (" ", "", " 1 ", "2", " ", "")) == {"b": " 1 ", "c": "2"}
    assert request_of_cells(("a", "b"), ("1",)) == {"a": "1"}


@pytest.mark.parametrize("cells", [("a", "b", "c"), ("a", "", "c"), ("\udcff",)])
def test_a_row_that_does_not_fit_its_header_is_rejected(cells: tuple[str, ...]) -> None:
    with pytest.raises(BadRow):
        request_of_cells(("promptText", ""), cells)
