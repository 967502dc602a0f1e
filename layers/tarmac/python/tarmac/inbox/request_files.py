"""Files of requests: JSON Lines with one request on each line, and CSV with one in each row below a header.

A file is read twice: once as a whole (AcceptUpload), to plan its chunks, and then chunk by chunk (RunBatch). A request
is numbered by the line that it begins on, as an editor shows it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from tarmac.inbox.batch import chunk_number
from tarmac.inbox.keys import Form

MOST_LINES = 50_000
LARGEST_FILE = 100 * 1024 * 1024
LONGEST_LINE = 5 * 1024 * 1024 + 512 * 1024
"""In bytes. As much as the body of an HTTP request."""

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t")
# The default limit, which is process-wide, is 128 KB; a cell may contain an inline file.
csv.field_size_limit(LONGEST_LINE)


class FileUnreadable(ValueError):
    """The file cannot be read as a whole; the message states the reason for its owner."""


class BadRow(ValueError):
    """A row of a table is invalid; the message states the reason for its owner."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of one chunk from start to end. first_line: of its first request. records: number of its requests."""

    chunk: int
    start: int
    end: int
    first_line: int
    records: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read, chunk by chunk. columns, delimiter: of a table."""

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
    """One request as the file contains it: the bytes of a line, or the cells of a row."""

    line: int
    content: bytes | tuple[str, ...]


def plan_of(file: BinaryIO, form: Form) -> Plan:
    """Read the whole file in bounded memory, and return its plan. Raises FileUnreadable."""
    plan = _plan_table(file) if form is Form.TABLE else Plan(form, _spans(_starts_of_lines(file)))
    if not plan.spans:
        raise FileUnreadable("The file contains no request.")
    if plan.records > MOST_LINES:
        raise FileUnreadable(f"The file contains {plan.records} requests; at most {MOST_LINES} are allowed.")
    return plan


def records_of(plan: Plan, span: Span, read: Callable[[int], bytes]) -> Iterator[Record]:
    """Yield the requests of one chunk. read: reads from a stream of the chunk's bytes only."""
    lines = _lines(read)
    if plan.form is Form.TABLE:
        yield from _rows(plan, span, lines)
        return
    for number, line in enumerate(lines, start=span.first_line):
        if line is not None and line.strip():
            yield Record(number, line)


def request_of_cells(columns: Iterable[str], cells: tuple[str, ...]) -> dict[str, str]:
    """Return the text of each field, without empty cells. Raises BadRow."""
    names = list(columns)
    if not _is_utf8(cells):
        raise BadRow("The line is not UTF-8. Save the file as CSV UTF-8.")
    if any(cell.strip() for cell in cells[len(names) :]):
        raise BadRow(f"The line has {len(cells)} cells; the header has {len(names)}.")
    found = {}
    for name, cell in zip(names, cells, strict=False):
        if not cell.strip():
            continue
        if not name:
            raise BadRow(f"A cell is in a column without a name: {cell[:40]!r}.")
        found[name] = cell
    return found


def _starts_of_lines(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Yield (line, start, end) of each line that is not blank."""
    start = 0
    for number, line in enumerate(_lines(file.read), start=1):
        if line is None:
            raise FileUnreadable(f"Line {number} is longer than {LONGEST_LINE} bytes.")
        # A byte order mark is not part of the first request.
        skipped = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
        end = start + len(line)
        if line[skipped:].strip():
            yield number, start + skipped, end
        start = end


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes | None]:
    """Yield lines with their line breaks, in bounded memory. For a line that is too long, yield None and stop."""
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
        chunk = chunk_number(line)
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
        raise FileUnreadable("The first line of a CSV file must name the columns; it is empty.")
    delimiter = max(_DELIMITERS, key=header_text.count)
    # The header may contain line breaks in quotes, so the CSV reader must read it from its first line.
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
        # An unclosed quote, "unexpected end of data", would make all following lines part of one cell.
        raise FileUnreadable(f"Invalid CSV from line {line} on: {problem}.") from None
    return row


def _columns(row: list[str] | None) -> tuple[str, ...]:
    names = [name.strip() for name in row or ()]
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileUnreadable(f"The header contains columns with the same name: {', '.join(twice)}.")
    if any("\udc80" <= character <= "\udcff" for name in names for character in name):
        raise FileUnreadable("The file is not UTF-8. Save it as CSV UTF-8.")
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
    """Lines as text for `csv`, with the number of lines and bytes that it has read, which is where a record ends.

    Bytes that are not UTF-8 become lone surrogates, for which their record is rejected later.
    """

    def __init__(self, lines: Iterator[bytes | None], before: int = 0) -> None:
        self._lines = lines
        self._pushed_back: str | None = None
        self.lines = before
        self.offset = 0

    def push_back(self, text: str) -> None:
        self._pushed_back = text

    def __iter__(self) -> _CountedLines:
        return self

    def __next__(self) -> str:
        if self._pushed_back is not None:
            text, self._pushed_back = self._pushed_back, None
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
