"""JSON as APIs give it: records in a list, in lines, or in the pages of a response; flattened."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

import pyarrow as pa

from funnel_lib.reading.files.packing import Packer

MOST_DEPTH, MOST_DIGITS, MOST_NAME = 100, 1_000, 1_000
# A list or lines are parsed piece by piece; a document of this size may take 400 MiB of memory.
PIECE, MOST_DOCUMENT = 8 << 20, 16 << 20
# Under what a response holds its records …
WRAPPERS = ("_embedded", "result", "results", "data", "records", "items", "value")
# … and what stands beside them in a page of a list of pages.
_BESIDE = re.compile(
    r"[_@].*|total\w*|next\w*|previous|start|limit|offset|count|time|success|status|done|error\w*|"
    r"paging|pagination|has_?more|additional_data|related_objects|page\w*|per_?page|links|meta",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[\s\ufeff]*")


class NoRecords(ValueError):
    """A response without any record."""


def read_json(data: bytes) -> pa.Table:
    """Read the records of a JSON file, UTF-8, as a table of texts.

    It holds a list of objects, objects in lines or one after another, or responses that wrap a list
    of objects under one of `WRAPPERS` (two deep, too), whose pages are put together. What is nested
    has dotted names, elements of lists are numbered from 0: ``params.duration``, ``contacts.0.id``.
    Numbers keep their text, but for a ``.0`` at the end; true and false are True and False; null,
    NaN and Infinity are missing. Of a name that comes twice the last counts.

    Raises
    ------
    NoRecords
        Fine, but empty.
    ValueError
        No JSON, cut off, too deep, too wide, or a document too large.
    """
    packer = Packer(len(data))
    for n, (value, alone) in enumerate(_iterate(data), 1):
        for record in _find_records(value, alone):
            if not isinstance(record, dict):
                what = f"element {n} is {str(record)[:40]!r}"
                raise ValueError(f"{what}; expected objects, one a record")
            row: dict[str, str | None] = {}
            flatten(record, "", row)
            packer.add(row)
    if not len(packer):
        raise NoRecords("there are no records in it")
    return packer.to_table()


def _iterate(data: bytes) -> Iterator[tuple[object, bool]]:
    """Give the elements of a list, or the documents of a text; and whether there is but one."""
    text = _Text(data)
    listed = text.skip() == "["
    if listed:
        text.place += 1
        if text.skip() == "]":
            text.place += 1
            text.end()
            return
    first = True
    while True:
        value, following = text.decode(), text.skip()
        yield value, first and not listed and not following
        first = False
        if following == ("]" if listed else ""):
            text.place += listed
            text.end()
            return
        if listed and following != ",":
            text.refuse("expected a comma or the end of the list")
        text.place += following == ","


class _Text:
    """A long text of which a piece is decoded at a time."""

    def __init__(self, data: bytes):
        self.data, self.taken = data, 0
        self.bytes_to_text = codecs.getincrementaldecoder("utf-8")()
        self.json = json.JSONDecoder(
            parse_int=_read_number, parse_float=_read_number, parse_constant=lambda _: None
        )
        self.text, self.place, self.lines_before = "", 0, 1

    def skip(self) -> str:
        """Pass over blanks: the character that comes next, "" at the end."""
        while True:
            self.place = _BLANKS.match(self.text, self.place).end()
            if self.place < len(self.text) or not self.refill():
                return self.text[self.place : self.place + 1]

    def refill(self) -> bool:
        """Take the next piece; False at the end."""
        if self.taken >= len(self.data):
            return False
        piece = self.data[self.taken : self.taken + PIECE]
        self.taken += len(piece)
        more = self.bytes_to_text.decode(piece, final=self.taken >= len(self.data))
        self.lines_before += self.text.count("\n", 0, self.place)
        self.text, self.place = self.text[self.place :] + more, 0
        return True

    def decode(self) -> object:
        """Read one document, which may run into the next piece."""
        self.skip()
        while True:
            try:
                value, self.place = self.json.raw_decode(self.text, self.place)
                return value
            except json.JSONDecodeError as error:
                if len(self.text) - self.place >= MOST_DOCUMENT:
                    size = f"{MOST_DOCUMENT >> 20} MiB"
                    self.refuse(f"one document of more than {size}; save it as JSON lines")
                if self.taken >= len(self.data):
                    self.place = min(error.pos, len(self.text))
                    self.refuse(f"{error.msg}; the file is damaged or cut off, export it again")
                self.refill()
            except RecursionError:
                self.refuse(_TOO_DEEP)

    def end(self) -> None:
        """Refuse what comes after the end."""
        if self.skip():
            self.refuse("text after the end of the list; the file is damaged, export it again")

    def refuse(self, why: str) -> None:
        line = self.lines_before + self.text.count("\n", 0, self.place)
        raise ValueError(f"line {line}: {why}") from None


_TOO_DEEP = f"nested deeper than {MOST_DEPTH} levels; keep the levels that matter"


def _find_records(value: object, alone: bool) -> list:
    """The records of a page, or the value itself; lone documents are pages whatever they hold."""
    if isinstance(value, list):
        return value
    inside = _unwrap(value, alone, 3) if isinstance(value, dict) else None
    return [value] if inside is None else inside


def _unwrap(value: dict, alone: bool, levels: int) -> list | None:
    if not levels or "id" in value or "ID" in value:
        return None
    for key in WRAPPERS:
        if key not in value:
            continue
        if not alone and not all(k == key or _BESIDE.fullmatch(k) for k in value):
            return None
        inside = value[key]
        if key == "_embedded" and isinstance(inside, dict):
            lists = [v for v in inside.values() if isinstance(v, list)]
            inside = lists[0] if len(lists) == 1 else None
        if isinstance(inside, dict):
            inside = _join_pages(inside) or _unwrap(inside, alone, levels - 1)
        if isinstance(inside, list) and all(isinstance(v, dict) for v in inside):
            return inside
    return None


def _join_pages(value: dict) -> list | None:
    """The records of numbered pages (``page_0``, ``page_1``), as answers to a batch have them."""
    names = {re.sub(r"\d+$", "", key) for key in value}
    if len(names) != 1 or not all(isinstance(page, list) for page in value.values()):
        return None
    return [record for page in value.values() for record in page] if names - {*WRAPPERS} else None


def flatten(value: dict | list, prefix: str, row: dict[str, str | None], depth: int = 1) -> None:
    """Put the texts of what an object or a list holds into a row, under dotted names; refuse what
    is nested deeper than `MOST_DEPTH`, and names longer than `MOST_NAME`."""
    if depth > MOST_DEPTH:
        raise ValueError(_TOO_DEEP)
    for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
        name = f"{prefix}{key}"
        if len(name) > MOST_NAME:
            raise ValueError(f"a name of more than {MOST_NAME:,} signs: {name[:40]!r} …")
        if isinstance(inside, dict | list):
            flatten(inside, f"{name}.", row, depth + 1)
        elif isinstance(inside, str) or inside is None:
            row[name] = inside
        else:
            row[name] = str(inside).removesuffix(".0")


def _read_number(text: str) -> str:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} signs: {text[:20]} …")
    return text.removesuffix(".0")
