"""The largest table of a web page: some programs' "Excel" export is a page named .xls."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pyarrow as pa

from funnel_lib.reading.files.headers import FIRST_ROWS, check_shape, find_header, name_columns
from funnel_lib.reading.files.packing import Packer

# Fed by pieces; a tag, comment or script that is longer than several of them is refused, as the
# parser would read it again and again.
PIECE, MOST_WAITING, MOST_SCRIPT = 1 << 18, 1 << 20, 16 << 20
MOST_PAGE = 32 << 20
MOST_COPIED = 1_000_000  # cells filled from cells that run over several rows
MOST_SPAN = 1000  # columns or rows that one cell may run over
MOST_NESTED = 20
_BEGINS = re.compile(
    rb"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|(?:html|head|meta|style|body|table|"
    rb"script|div|center)[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"""<meta[^>]*charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_KNOWN_CHARSET = re.compile(r"utf-?8|windows-12\d\d|koi8-[ru]|iso-8859-\d\d?|(?:cp|ibm)?866")


def is_html(start: bytes) -> bool:
    """Whether a file is a web page, by its first bytes."""
    return bool(_BEGINS.match(start.lstrip()))


def find_charset(data: bytes) -> str | None:
    """Which encoding does a page name, if it is a usual one?"""
    found = _CHARSET.search(data[:4096])
    name = found[1].decode("ascii", "replace").lower() if found else ""
    return name if _KNOWN_CHARSET.fullmatch(name) else None


def read_html(page: str) -> pa.Table:
    """Read the table with the most filled cells.

    Tags inside cells are left out, a line break is a space; a cell over several rows is each row's,
    one over several columns is the first column's.

    Raises
    ------
    ValueError
        No table, one that breaks off, or one too wide or too empty.
    """
    if len(page) > MOST_PAGE:
        raise ValueError(f"a web page of more than {MOST_PAGE >> 20} MiB; save it as CSV")
    page = re.sub("<(?![A-Za-z/!?])", "&lt;", page)  # no tag
    reader = _Reader(len(page))
    for place in range(0, len(page), PIECE):
        try:
            reader.feed(page[place : place + PIECE])
        except AssertionError:  # the parser's own word for a declaration it does not know
            raise ValueError(_BROKEN.format(reader.getpos()[0])) from None
        if len(reader.rawdata) > (MOST_SCRIPT if reader.cdata_elem else MOST_WAITING):
            raise ValueError(_BROKEN.format(reader.getpos()[0]))
    if reader.open:
        raise ValueError("the page breaks off inside a table; export it again")
    if not reader.best or not reader.best.n_filled:
        raise ValueError(
            "this is a web page without a table, such as a log-in page that was saved in place of "
            "the export; log in, export the table again and save it as CSV or XLSX"
        )
    return reader.best.to_table()


_BROKEN = "line {}: a tag or a comment that does not end; export it again"


class _Grid:
    """A table of a page, row by row, of filled cells only."""

    def __init__(self, n_bytes: int):
        self.packer = Packer(n_bytes)
        self.first: list[dict[int, str]] = []
        self.n_filled = self.n_copied = 0
        self.row: dict[int, str] | None = None
        self.spans: dict[int, tuple[int, str]] = {}  # column -> rows still to fill, and its text
        self.taken: set[int] = set()
        self.column, self.cell = 0, None  # of the cell that is open: (texts, columns, rows)

    def open_row(self) -> None:
        self.close_row()
        self.taken = set(self.spans)
        self.row = {c: text for c, (_, text) in self.spans.items() if text}
        self.n_copied += len(self.row)
        if self.n_copied > MOST_COPIED:
            raise ValueError("its cells are repeated in too many rows; export it as CSV")
        self.spans = {c: (left - 1, text) for c, (left, text) in self.spans.items() if left > 1}
        self.column = 0

    def close_row(self) -> None:
        self.close_cell()
        if self.row:
            if len(self.first) < FIRST_ROWS:
                self.first.append(self.row)
            self.n_filled += len(self.row)
            self.packer.add(self.row)
        self.row = None

    def open_cell(self, given: dict[str, str | None]) -> None:
        self.close_cell()
        if self.row is None:
            self.open_row()
        self.cell = ([], _whole(given.get("colspan")), _whole(given.get("rowspan")))

    def close_cell(self) -> None:
        if self.cell is None:
            return
        texts, n_columns, n_rows = self.cell
        while self.column in self.taken:
            self.column += 1
        check_shape(0, self.column, 0)
        text = " ".join("".join(texts).split())
        if text:
            self.row[self.column] = text
        if n_rows > 1:
            self.spans[self.column] = (n_rows - 1, text)
        self.column += n_columns
        self.cell = None

    def to_table(self) -> pa.Table:
        """The rows below the header, under its names."""
        table = self.packer.to_table()
        columns = sorted(map(int, table.column_names))
        first = [[row.get(c, "") for c in columns] for row in self.first]
        header = find_header(first)
        table = table.select([str(c) for c in columns]).slice(header + 1)
        return table.rename_columns(name_columns(first, header))


class _Reader(HTMLParser):
    """Every table of a page; one inside another is a table of its own."""

    def __init__(self, n_bytes: int):
        super().__init__(convert_charrefs=True)
        self.n_bytes = n_bytes
        self.open: list[_Grid] = []
        self.best: _Grid | None = None  # the one with the most filled cells
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.hidden = tag in ("script", "style")
        if tag == "table":
            self.open.append(_Grid(self.n_bytes))
            if len(self.open) > MOST_NESTED:
                raise ValueError(
                    f"more than {MOST_NESTED} tables inside each other; save it as CSV"
                )
        elif not self.open:
            return
        elif tag == "tr":
            self.open[-1].open_row()
        elif tag in ("td", "th"):
            self.open[-1].open_cell(dict(attrs))
        elif tag in ("br", "p", "div", "li"):
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False
        if tag == "table" and self.open:
            grid = self.open.pop()
            grid.close_row()
            if self.best is None or grid.n_filled > self.best.n_filled:
                self.best = grid
        elif tag == "tr" and self.open:
            self.open[-1].close_row()
        elif tag in ("td", "th") and self.open:
            self.open[-1].close_cell()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].cell is not None and not self.hidden:
            self.open[-1].cell[0].append(data)


def _whole(text: str | None) -> int:
    """Read the number of columns or rows that a cell runs over."""
    digits = re.match(r"\s*(\d{1,9})", text or "")
    return min(max(int(digits[1]), 1), MOST_SPAN) if digits else 1
