"""Files of requests: JSON lines, one request a line, and CSV, one a record under a header of field names.

A file is read twice: once whole, to find where its lines are and how they group into chunks, and then chunk by chunk by
whoever accepts them. A line's number is that of the line it begins on, as an editor shows it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from tarmac.inbox.batch import chunk_of
from tarmac.inbox.keys import Form

MOST_LINES = 50_000
LARGEST_FILE = 100 * 1024 * 1024
LONGEST_LINE = 5 * 1024 * 1024 + 512 * 1024
"""As much as a body over HTTP, in bytes."""

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t")
# The module's own bound is 128 KB, process-wide: a cell may hold a file.
csv.field_size_limit(LONGEST_LINE)


class FileUnreadable(ValueError):
    """The file as a whole is none that Tarmac reads; the message says why, for its owner."""


class BadRow(ValueError):
    """One row of a table cannot be read; the message says why, for its owner."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of one chunk, and how many requests begin in them, on lines from `first_line` on."""

    chunk: int
    start: int
    end: int
    first_line: int
    records: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read. columns, delimiter: of a table."""

    form: Form
    spans: tuple[Span, ...]
    columns: tuple[str, ...] = ()
    delimiter: str = ","

    @property
    def records(self) -> int:
        return sum(span.records for span in self.spans)

    def as_json(self) -> dict[str, Any]:
        spans = [[span.chunk, span.start, span.end, span.first_line, span.records] for span in self.spans]
        return {"form": self.form, "columns": self.columns, "delimiter": self.delimiter, "spans": spans}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        spans = tuple(Span(*span) for span in data["spans"])
        return cls(Form(data["form"]), spans, tuple(data["columns"]), data["delimiter"])


@dataclass(frozen=True, slots=True)
class Record:
    """One request as it stands in the file: a line's bytes, or a row's cells."""

    line: int
    content: bytes | tuple[str, ...]


def plan_of(file: BinaryIO, form: Form) -> Plan:
    """Read the whole file. Raises FileUnreadable."""
    plan = _plan_table(file) if form is Form.TABLE else Plan(form, _spans(_starts_of_lines(file)))
    if not plan.spans:
        raise FileUnreadable("The file holds no request.")
    if plan.records > MOST_LINES:
        raise FileUnreadable(f"The file holds {plan.records} requests, more than the {MOST_LINES} allowed.")
    return plan


def records_of(plan: Plan, span: Span, read: Callable[[int], bytes]) -> Iterator[Record]:
    """The requests of one chunk, from a stream of just its bytes."""
    lines = _lines(read)
    if plan.form is Form.TABLE:
        yield from _rows(plan, span, lines)
        return
    for number, line in enumerate(lines, start=span.first_line):
        if line is not None and line.strip():
            yield Record(number, line)


def request_of_cells(columns: Iterable[str], cells: tuple[str, ...]) -> dict[str, str]:
    """Field name → text, without the cells that say nothing. Raises BadRow."""
    names = list(columns)
    if not _is_utf8(cells):
        raise BadRow("The line is not UTF-8: save the file as CSV UTF-8.")
    if any(cell.strip() for cell in cells[len(names) :]):
        raise BadRow(f"The line has {len(cells)} cells, and the header {len(names)}.")
    found = {}
    for name, cell in zip(names, cells, strict=False):
        if not cell.strip():
            continue
        if not name:
            raise BadRow(f"A cell has no name above it: {cell[:40]!r}.")
        found[name] = cell
    return found


def _starts_of_lines(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """(line, start, end) of each line that says something."""
    start = 0
    for number, line in enumerate(_lines(file.read), start=1):
        if line is None:
            raise FileUnreadable(f"Line {number} is longer than {LONGEST_LINE} bytes.")
        # A byte order mark is no part of the first request.
        skipped = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
        end = start + len(line)
        if line[skipped:].strip():
            yield number, start + skipped, end
        start = end


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes | None]:
    """Lines with their ends, in bounded memory; None, and nothing after it, for one that is too long."""
    held = bytearray()
    while piece := read(256 * 1024):
        held += piece
        begin = 0
        while (at := held.find(b"\n", begin)) >= 0:
            yield bytes(held[begin : at + 1]) if at + 1 - begin <= LONGEST_LINE else None
            begin = at + 1
        del held[:begin]
        if len(held) > LONGEST_LINE:
            yield None
            return
    if held:
        yield bytes(held)


def _spans(starts: Iterable[tuple[int, int, int]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for line, start, end in starts:
        chunk = chunk_of(line)
        if spans and spans[-1].chunk == chunk:
            last = spans[-1]
            spans[-1] = Span(chunk, last.start, end, last.first_line, last.records + 1)
        else:
            spans.append(Span(chunk, start, end, line, 1))
    return tuple(spans)


def _plan_table(file: BinaryIO) -> Plan:
    source = _CountedLines(_lines(file.read))
    header_text = next(iter(source), None)
    if header_text is None or not header_text.strip():
        raise FileUnreadable("The first line of a CSV file names its columns, and this one is empty.")
    delimiter = max(_DELIMITERS, key=header_text.count)
    # A header may have line breaks in quotes as well.
    source.push_back(header_text)
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    columns = _columns(_next_row(rows, 1))
    return Plan(Form.TABLE, _spans(_starts_of_rows(rows, source)), columns, delimiter)


def _starts_of_rows(rows: Any, source: _CountedLines) -> Iterator[tuple[int, int, int]]:
    while True:
        line, start = source.lines + 1, source.offset
        row = _next_row(rows, line)
        if row is None:
            return
        if source.offset - start > LONGEST_LINE:
            raise FileUnreadable(f"The record on line {line} is longer than {LONGEST_LINE} bytes.")
        if any(cell.strip() for cell in row):
            yield line, start, source.offset


def _next_row(rows: Any, line: int) -> list[str] | None:
    try:
        row: list[str] | None = next(rows, None)
    except csv.Error as problem:
        # "unexpected end of data": a quote that nobody closes swallows all that follows.
        raise FileUnreadable(f"The CSV cannot be read from line {line} on: {problem}.") from None
    return row


def _columns(row: list[str] | None) -> tuple[str, ...]:
    names = [name.strip() for name in row or ()]
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileUnreadable(f"The header names {', '.join(twice)} twice.")
    if any("\udc80" <= character <= "\udcff" for name in names for character in name):
        raise FileUnreadable("The file is not UTF-8: save it as CSV UTF-8.")
    return tuple(names)


def _rows(plan: Plan, span: Span, lines: Iterator[bytes | None]) -> Iterator[Record]:
    source = _CountedLines(lines, span.first_line - 1)
    rows = csv.reader(source, delimiter=plan.delimiter, strict=True)
    while True:
        line = source.lines + 1
        row = next(rows, None)
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield Record(line, tuple(row))


class _CountedLines:
    """Lines as text, for `csv`, which takes as many as a record needs: so the count tells where one has ended.

    Bytes that are no UTF-8 become lone surrogates, and a reason to reject their record.
    """

    def __init__(self, lines: Iterator[bytes | None], before: int = 0) -> None:
        self._lines = lines
        self._again: str | None = None
        self.lines = before
        self.offset = 0

    def push_back(self, text: str) -> None:
        self._again = text

    def __iter__(self) -> _CountedLines:
        return self

    def __next__(self) -> str:
        if self._again is not None:
            text, self._again = self._again, None
            return text
        line = next(self._lines)
        self.lines += 1
        if line is None:
            raise FileUnreadable(f"Line {self.lines} is longer than {LONGEST_LINE} bytes.")
        self.offset += len(line)
        if self.lines == 1:
            line = line.removeprefix(_BOM)
        return line.decode("utf-8", "surrogateescape")


def _is_utf8(cells: Iterable[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True
