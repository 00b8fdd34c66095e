"""Text with delimiters as a table: its encoding, its delimiter, its header and its quotes."""

from __future__ import annotations

import codecs
import csv as plain_csv
import io
import math
import re
import time
from itertools import islice

import numpy as np
import pyarrow as pa
from pyarrow import csv

from funnel_lib.core.errors import quote_some
from funnel_lib.reading.files.archives import MOST_ROW, find_wide
from funnel_lib.reading.files.headers import FIRST_ROWS, check_shape, find_header, name_columns

# Where two fit alike, the first: the comma may be that of decimals.
DELIMITERS = (";", ",", "\t", "|")
# Encodings of one byte a character that exports of the market come in.
LEGACY_ENCODINGS = ("cp1251", "cp866", "koi8_r", "mac_cyrillic", "cp1252")
PIECE = 1 << 22
# What is looked at to find the delimiter and the header, and to detect an old encoding.
HEAD, SAMPLE = 1 << 16, 1 << 20
# Rows that do not fit the header are kept, cut to so many characters, to be counted and shown.
MOST_BROKEN, MOST_SHOWN = 100_000, 200
MOST_WAITS = 10_000
MOST_DAMAGED = 0.05  # of the characters beyond ASCII, in what is still UTF-8
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# A row whose quoted cells end where they should, or at least in their own line. D: the delimiter.
_CELL = r'(?:"(?:[^"]++|"")*+"(?=[D\r\n]|\Z)|"(?:[^"\r\n]++|"")*+"[^D\r\n]*+|(?!")[^D\r\n]*+)'
_ROW = rf"{_CELL}(?:D{_CELL})*+(?:\r\n|\r|\n|\Z)"
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
# How often letters come in Russian, in ten thousandths; others beyond ASCII are letters of Europe.
_OFTEN = dict(zip(
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    (1097, 845, 801, 735, 670, 626, 547, 473, 454, 440, 349, 321, 298, 281, 262, 201, 190, 174, 170,
     165, 159, 144, 121, 97, 94, 73, 64, 48, 36, 32, 26, 4, 4), strict=True,
))  # fmt: skip
_EUROPEAN = "áàâãäåæçéèêëíìîïñóòôõöøßúùûüýÿœіїєґ"
_SYMBOLS = "\u00a0№«»—–“”„’…€₽°"


def read_delimited(data: bytes) -> tuple[pa.Table, list[str]]:
    """Read a text table: (texts, rows that could not be split).

    A row is left out that has more or fewer cells than the header, or in which a quote opens that
    is closed neither in its line nor at the end of a later cell. A quote inside a cell that does
    not begin with one is a character like any other.

    Raises
    ------
    ValueError
        No text, a quote in the header that nothing closes, or a table too wide.

    Examples
    --------
    >>> table, broken = read_delimited(b'Report;;\\nid;at;what\\n7;2025;"a\\n8;2026;b\\n')
    >>> table.to_pylist(), broken
    ([{'id': '8', 'at': '2026', 'what': 'b'}], ['7;2025;"a'])
    """
    data = to_utf8(data)
    start = re.match(rb"[\r\n]*(?:sep=.[\r\n]+)?", data).end()  # "sep=;" is a line for Excel
    delimiter, n_lines, above = _find_layout(data[start : start + HEAD])
    for _ in range(n_lines):
        start = _LINE.match(data, start).end()
    row = re.compile(_ROW.replace("D", re.escape(delimiter)).encode())
    header, broken, several_lines = row.match(data, start), [], False
    if not header:
        line = data.count(b"\n", 0, start) + 1
        raise ValueError(f"line {line}: a quote opens in the header that nothing closes")
    rows = memoryview(data)[header.end() :]
    if data.find(b'"', header.end()) >= 0:
        fine, several_lines = _check_quotes(rows, ord(delimiter))
        if not fine:
            rows, broken = _drop_unclosed(data, header.end(), row)
    names = name_columns([*above, _split(header[0], delimiter)], len(above))
    return _read_rows(rows, names, delimiter, broken, several_lines), sorted(broken)


def to_utf8(data: bytes) -> bytes:
    """Turn text of any usual encoding into UTF-8 without a mark; cut-off UTF-16 is refused."""
    wide = find_wide(data)
    if wide:
        data = _recode(data, wide, "strict")
    while data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    if _is_utf8(data):
        return data
    if odd := find_odd_lines(data):
        return _mend_lines(data, odd)
    mended = _recode(data, "utf-8", "replace")
    n_damaged = mended.count("\ufffd".encode())
    n_beyond = sum(1 for _ in re.finditer(rb"[\xc2-\xf4]", mended[:SAMPLE])) * max(
        len(mended) / SAMPLE, 1
    )
    if n_damaged < MOST_DAMAGED * n_beyond:
        return mended
    return _recode(data, detect_encoding(data), "replace")


def find_odd_lines(data: bytes) -> list[int]:
    """Which lines of a text in UTF-8 are in another encoding, as of files put together; none where
    all are in one, or the lines are merely damaged."""
    if find_wide(data) or _is_utf8(data):
        return []
    fine, odd = 0, []
    for number, line in enumerate(data.split(b"\n")):
        if line.isascii():
            continue
        text = line.decode("utf-8", "replace")
        n_damaged, n_letters = text.count("\ufffd"), sum(c > "\x7f" for c in text)
        if not n_damaged:
            fine += 1
        elif 2 * n_damaged > n_letters:
            odd.append(number)
    return odd if fine else []


def _mend_lines(data: bytes, odd: list[int]) -> bytes:
    lines = data.split(b"\n")
    encoding = detect_encoding(b"\n".join(lines[n] for n in odd))
    for n in odd:
        lines[n] = lines[n].decode(encoding, "replace").encode()
    return _recode(b"\n".join(lines), "utf-8", "replace")


def detect_encoding(data: bytes) -> str:
    """Which old encoding gives the likeliest Russian or European words?"""
    words = dict.fromkeys(m[0] for m in islice(_WORD.finditer(data), 20_000))
    words = b" ".join(islice(words, 2_000))
    return max(LEGACY_ENCODINGS, key=lambda e: _score(words.decode(e, "replace")))


def _score(text: str) -> float:
    """How likely the words of a text are, as the logarithm of a chance."""
    score = 0.0
    for word in text.split(" "):
        latin = bool(re.search("[A-Za-z]", word))
        for before, letter in zip(" " + word, word, strict=False):
            low = letter.lower()
            if letter.isascii():
                continue
            if low in _OFTEN:
                score += math.log(_OFTEN[low] / 10_000) - 8 * latin
            else:
                score -= 6 if low in _EUROPEAN or low in _SYMBOLS else 12
            score -= 5 * (letter.isupper() and before.islower())
    return score


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    ends = pa.py_buffer(np.array([0, len(data)]))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _recode(data: bytes, encoding: str, errors: str) -> bytes:
    """Decode and encode piece by piece, as the whole would take several times its size."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    pieces = (data[i : i + PIECE] for i in range(0, len(data), PIECE))
    texts = (decoder.decode(piece).encode("utf-8", "replace") for piece in pieces)
    return b"".join(texts) + decoder.decode(b"", final=True).encode()


def _find_layout(head: bytes) -> tuple[str, int, list[list[str]]]:
    """The delimiter, how many lines stand above the header, and their cells.

    The delimiter is the one with which most rows have as many cells as the header; of several
    such, the one with the most cells.
    """
    layouts = []
    for delimiter in DELIMITERS:
        lines = io.StringIO(head.decode("utf-8", "replace"), newline="")
        reader = plain_csv.reader(lines, delimiter=delimiter)
        rows = [(row, reader.line_num) for row in islice(reader, FIRST_ROWS)]
        if len(head) == HEAD and len(rows) > 1 and rows[-1][1] == reader.line_num:
            rows = rows[:-1] if len(rows) < FIRST_ROWS else rows  # the last may be cut
        cells = [row for row, _ in rows]
        header = find_header(cells)
        n = len(cells[header]) if cells else 0
        agree = sum(len(row) == n for row in cells[header + 1 :])
        n_lines = rows[header - 1][1] if header else 0
        layouts.append(((n > 1, agree, n), delimiter, n_lines, cells[:header]))
    return max(layouts, key=lambda layout: layout[0])[1:]


def _check_quotes(rows: memoryview, delimiter: int) -> tuple[bool, bool]:
    """Whether every quote opens or closes a whole cell or is doubled, and whether any cell has
    several lines."""
    ends = np.isin(np.arange(256), [delimiter, 10, 13, 34])
    chars = np.frombuffer(rows, np.uint8)
    n_before, several = 0, False
    for start in range(0, len(chars), PIECE):
        part = chars[start : start + PIECE]
        quotes = np.flatnonzero(part == 34)
        before = ends[chars[start + quotes - 1]] | (start + quotes == 0)
        after = ends[chars[np.minimum(start + quotes + 1, len(chars) - 1)]]
        after |= start + quotes + 1 == len(chars)
        opens = (np.arange(len(quotes)) + n_before) % 2 == 0
        if not np.where(opens, before, after).all():
            return False, True
        if not several:
            lines = np.flatnonzero((part == 10) | (part == 13))
            several = bool(((np.searchsorted(quotes, lines) + n_before) % 2).any())
        n_before += len(quotes)
    return n_before % 2 == 0, several


def _drop_unclosed(data: bytes, start: int, row: re.Pattern) -> tuple[bytes, list[str]]:
    """Leave out each line in which a quote opens that is not closed as it should be."""
    kept, broken, since = [], [], start
    while start < len(data):
        found = row.match(data, start)
        if found and found.end() - start <= MOST_ROW:
            start = found.end()
            continue
        line = _LINE.match(data, start)
        kept.append(data[since:start])
        broken.append(line[0][:MOST_SHOWN].decode("utf-8", "replace").strip("\r\n"))
        if len(broken) > MOST_BROKEN:
            _refuse_broken(broken)
        start = since = line.end()
    kept.append(data[since:])
    return b"".join(kept), broken


def _split(header: bytes, delimiter: str) -> list[str]:
    n_most = re.sub(rb'"[^"]*"', b"", header).count(delimiter.encode()) + 1
    check_shape(0, n_most, 0)
    types = {f"f{i}": pa.string() for i in range(n_most)}
    head = csv.read_csv(
        pa.py_buffer(header.rstrip(b"\r\n") + b"\n"),
        read_options=csv.ReadOptions(autogenerate_column_names=True, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
    return ["" if v is None else str(v) for column in head.columns for v in column.to_pylist()]


def _read_rows(rows, names: list[str], delimiter: str, broken: list[str], several_lines: bool):
    """Split rows into as many cells as there are names; note those that have more or fewer."""

    def note(row: csv.InvalidRow) -> str:
        broken.append(row.text[:MOST_SHOWN])
        return "skip" if len(broken) <= MOST_BROKEN else "error"

    places, rows = [str(i) for i in range(len(names))], memoryview(rows)
    if not re.search(rb"\S", rows):
        return pa.Table.from_arrays([pa.array([], pa.string())] * len(names), names=names)
    try:
        table = csv.read_csv(
            pa.py_buffer(rows),
            read_options=csv.ReadOptions(column_names=places, block_size=MOST_ROW),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=several_lines, invalid_row_handler=note
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False,
                check_utf8=False,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        _wait_for_threads(rows)
        if len(broken) > MOST_BROKEN:
            _refuse_broken(broken)
        if "straddl" not in str(error):
            raise
        size = f"{MOST_ROW >> 20} MiB"
        raise ValueError(f"a row of more than {size}, in which a quote may not be closed") from None
    return table.rename_columns(names)


def _wait_for_threads(rows: memoryview) -> None:
    """After an error Arrow's threads may still be at work; Python would abort if it ended now."""
    for _ in range(MOST_WAITS):
        try:
            return rows.release()
        except BufferError:
            time.sleep(0.001)


def _refuse_broken(broken: list[str]) -> None:
    n, shown = f"more than {MOST_BROKEN:,} rows", quote_some(sorted(broken)[:3])
    raise ValueError(f"{n} have more or fewer cells than the header, e.g. {shown}")
