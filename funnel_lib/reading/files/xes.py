"""Logs of process mining (XES, IEEE 1849) as a table: one row an event, with what its trace holds.

Read as a stream, so that no tree of the file is kept. A DOCTYPE is refused at its first line: XES
needs none, and entities are how an XML file opens other files or grows without end.
"""

from __future__ import annotations

import codecs
import re
from xml.parsers import expat

import pyarrow as pa

from funnel_lib.reading.files.headers import MOST_COLUMNS
from funnel_lib.reading.files.packing import Packer

# What the standard's own keys mean; these win over aliases, the mapping file wins over these.
XES_MEANINGS = {"lead_id": "case:concept:name", "at": "time:timestamp", "action": "concept:name"}
# Attributes with one value; a list or container, and what is nested in an attribute, has no cell.
_VALUES = {"string", "date", "int", "float", "boolean", "id"}
_LOG, _TRACE = 1, 2  # how deep they stand
# An old CSV may begin with `<DATE>`: only these beginnings are surely XML.
_BEGINS = re.compile(rb"\s*<(?:\?xml\s|!DOCTYPE\s|!--|(?:\w+:)?log(?:[\s/]|>\s*(?:<|$)))")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_xml(data: bytes, name: str = "") -> bool:
    """Whether a file is XML, by its first bytes; one named .xes is if it begins with a tag."""
    start = data[:400]
    if start.startswith(_UTF16):
        start = start[: len(start) // 2 * 2].decode("utf-16", errors="replace").encode()
    start = start.removeprefix(codecs.BOM_UTF8)
    named = name.lower().removesuffix(".gz").endswith(".xes")
    return bool(_BEGINS.match(start)) or (named and start.lstrip().startswith(b"<"))


def read_xes(data: bytes) -> pa.Table:
    """Which events does an XES log hold? A table of texts, one row an event.

    An event's attributes are under their keys (``concept:name``, ``time:timestamp``), its trace's
    under theirs with ``case:`` before (``case:concept:name``), missing where there is none. A key
    that comes again in one row gets " (2)", the trace's first. A trace without events is one row of
    its own attributes; an event outside any trace has no ``case:``. Lists, containers, nested
    attributes, globals, classifiers and the log's own attributes are left out.

    Raises
    ------
    ValueError
        Broken or cut off, a DOCTYPE or an entity, another root, no event; with its line. Too many
        different keys, or traces whose attributes would be repeated in too many events.

    Examples
    --------
    >>> read_xes(b'''<log><trace><string key="concept:name" value="7"/>
    ...   <event><string key="concept:name" value="request"/>
    ...     <date key="time:timestamp" value="2025-02-01T10:00:00+03:00"/></event>
    ... </trace></log>''').to_pylist()
    [{'case:concept:name': '7', 'concept:name': 'request',
      'time:timestamp': '2025-02-01T10:00:00+03:00'}]
    """
    events = _Events(len(data))
    parser = expat.ParserCreate()
    parser.StartElementHandler = events.start
    parser.EndElementHandler = events.end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse_doctype
    try:
        parser.Parse(data.lstrip() if data[:1].isspace() else data, True)
    except expat.ExpatError as error:
        what = f"{expat.ErrorString(error.code)}; the file is damaged or cut off, export it again"
        raise ValueError(f"line {error.lineno}: {what}") from None
    except _Refused as error:
        raise ValueError(f"line {parser.CurrentLineNumber}: {error}") from None
    if not events.n_events:
        raise ValueError(f"there is no event in it (traces: {events.n_traces})")
    return events.packer.to_table()


class _Refused(ValueError):
    """What the file holds is no XES, or not safe; the line is added where it is known."""


class _Events:
    """Rows as their tags come by.

    `level` is the depth of the innermost log, trace or event that is open, `depth` that of the tag:
    a tag deeper than one below is inside something that is not read.
    """

    def __init__(self, n_bytes: int):
        self.depth = self.level = self.n_events = self.n_traces = 0
        self.packer = Packer(n_bytes)
        self.row: dict | None = None  # of the trace or event whose attributes come now
        self.case, self.events = {}, []
        # How often a key of the row, or of its trace, came again.
        self.again: dict[str, int] = {}
        self.case_again: dict[str, int] = {}

    def start(self, name: str, given: dict[str, str]) -> None:
        """Take an attribute, or open a log, a trace or an event; pass over anything else."""
        self.depth += 1
        if self.depth > self.level + 1:
            return
        if name not in _VALUES and ":" in name:
            name = name.rpartition(":")[2]
        if name in _VALUES and self.row is not None:
            key = given.get("key", "")
            key = _number(key, self.row, self.again) if key in self.row else key
            self.row[key] = given.get("value")
            if len(self.row) > MOST_COLUMNS:
                raise _Refused(f"more than {MOST_COLUMNS:,} attributes of one event or trace")
        elif self.depth == _LOG:
            self._open_log(name)
        elif name == "trace" and self.level == _LOG:
            self.level, self.n_traces = _TRACE, self.n_traces + 1
            self.row, self.again = self.case, self.case_again
        elif name == "event" and self.level in (_LOG, _TRACE):
            self.level, self.n_events = self.level + 1, self.n_events + 1
            self.row, self.again = {}, {}
            self.events.append(self.row)

    def end(self, name: str) -> None:
        """Close what the tag opened."""
        if self.depth == self.level:
            self.level -= 1
            self.row = self.case if self.level == _TRACE else None
            self.again = self.case_again
            if self.level == _LOG:
                self._close_trace()
        self.depth -= 1

    def _open_log(self, name: str) -> None:
        if name != "log":
            what = f"the first tag is <{name[:40]}>, not the <log> of XES"
            raise _Refused(f"{what}; save the table as XES, CSV or XLSX")
        self.level = _LOG

    def _close_trace(self) -> None:
        case = {f"case:{key}": value for key, value in self.case.items()}
        for event in self.events or [{}]:
            row = case | event
            if len(row) < len(case) + len(event):
                again: dict[str, int] = {}
                event = {_number(k, row, again) if k in case else k: v for k, v in event.items()}
                row = case | event
            self.packer.add(row)
        self.case, self.case_again, self.events = {}, {}, []


def _number(key: str, taken: dict, again: dict[str, int]) -> str:
    """The first of "key (2)", "key (3)" … that is free; `again` is the last that was not."""
    again[key] = again.get(key, 1) + 1
    while f"{key} ({again[key]})" in taken:
        again[key] += 1
    return f"{key} ({again[key]})"


def _refuse_doctype(name: str, *_) -> None:
    if name.lower() == "html":
        raise _Refused("this is a web page; save the table as XES, CSV or XLSX")
    what = f"a DOCTYPE or an entity ({name[:40]!r}) may hide harm, and XES needs none"
    raise _Refused(f"{what}; take it out, or export the log again")
