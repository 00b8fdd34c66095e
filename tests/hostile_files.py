"""What the cases of `hostile.py` are made of: one small table in every form, and traps."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import xlsxwriter

HEADER = ["lead_id", "at", "action", "amount"]
ACTIONS = ("Заявка", "Звонок", "Оплата")
ROWS = [
    [str(lead), f"2025-02-{lead:02} {10 + i}:05:00", action, f"{1000 * lead + i}.5"]
    for lead in range(1, 5)
    for i, action in enumerate(ACTIONS)
]


MIB = 1 << 20
N = len(ROWS)
CUT = "damaged or cut off"


@dataclass(frozen=True)
class Case:
    """A file and what must come of it.

    `rows` is the number of events, or None where the file is refused; `says` a text in some cell,
    or in the message; `alone` marks what may hang or fill the memory; `nobody` what is read by a
    user without rights.
    """

    name: str
    make: Callable[[Path], object]
    rows: int | None
    says: str
    alone: bool = False
    nobody: bool = False


CASES: list[Case] = []


def read(name: str, data, rows: int = N, says: str = "Заявка", **how) -> None:
    """Add a case that is read."""
    CASES.append(Case(name, _maker(data), rows, says, **how))


def refuse(name: str, data, says: str, **how) -> None:
    """Add a case that is refused."""
    CASES.append(Case(name, _maker(data), None, says, **how))


def _maker(data) -> Callable[[Path], object]:
    """What writes a file: its content, or a function that gives the content or writes it."""

    def make(path: Path) -> None:
        content = data(path) if callable(data) else data
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def pieces(*parts) -> Callable[[Path], object]:
    """Write parts one after another; a part is bytes, or (bytes, times)."""

    def make(path: Path) -> None:
        with open(path, "wb") as file:
            for part in parts:
                piece, times = part if isinstance(part, tuple) else (part, 1)
                for _ in range(times):
                    file.write(piece)

    return make


def text(rows: list[list[str]] = ROWS, header: list[str] = HEADER, by: str = ",", end: str = "\n"):
    """The table as text."""
    return "".join(by.join(row) + end for row in [header, *rows])


def change(row: int, cell: str, column: int = 2) -> list[list[str]]:
    """The rows with one other cell."""
    return [[cell if (i, j) == (row, column) else c for j, c in enumerate(r)]
            for i, r in enumerate(ROWS)]  # fmt: skip


def workbook(*sheets, **options) -> bytes:
    """An XLSX file; a sheet is a list of rows, or a function that fills it."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, **options})
    for sheet in sheets:
        page = book.add_worksheet()
        if callable(sheet):
            sheet(book, page)
            continue
        for i, row in enumerate(sheet):
            page.write_row(i, 0, row)
    book.close()
    return data.getvalue()


def typed(rows=ROWS) -> list[list]:
    """The rows as Excel holds them: numbers are numbers."""
    return [[int(r[0]), r[1], r[2], float(r[3])] for r in rows]


def rezip(data: bytes, **changed) -> bytes:
    """The archive with other members: name (dots for slashes as `__`) -> bytes, or None."""
    given = {k.replace("__", "/").replace("_xml", ".xml"): v for k, v in changed.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w", 8) as new:
        members = {n: old.read(n) for n in old.namelist()} | given
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)
    return packed.getvalue()


def archive(**members) -> bytes:
    """A zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", 8) as new:
        for name, content in members.items():
            new.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return packed.getvalue()


def deflate(piece: bytes, times: int) -> bytes:
    """A piece many times over, packed as if it were packed whole."""
    tool = zlib.compressobj(9, wbits=-15)
    once = tool.compress(piece) + tool.flush(zlib.Z_FULL_FLUSH)
    return once * times + tool.flush()


def zip_bomb(data: bytes, name: str, packed: bytes, says_size: int) -> bytes:
    """An archive one of whose members is replaced by `packed`, of which the headers lie."""
    members = [(name, 8, packed, says_size)]
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members += [(n, 0, old.read(n), None) for n in old.namelist() if n != name]
    body, index = b"", b""
    for member, method, content, size in members:
        size = len(content) if size is None else size
        facts = struct.pack("<HHHHIIIHH", 0, method, 0, 33, zlib.crc32(content), len(content), size,
                            len(member), 0)  # fmt: skip
        index += (
            b"PK\x01\x02\x14\x00\x14\x00" + facts + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        )
        index += member.encode()
        body += b"PK\x03\x04\x14\x00" + facts + member.encode() + content
    count = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(index), len(body), 0)
    return body + index + b"PK\x05\x06" + end


def ole(name: str, stream: bytes) -> bytes:
    """An OLE container of one stream, as old Excel, Word and locked XLSX files are."""
    stream = stream.ljust(4096, b"\0")
    n = -(-len(stream) // 512)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, n + 2), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack(
        "<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0,
        0xFFFFFFFE, 0)  # fmt: skip
    head += struct.pack("<I", 0) + b"\xff" * 432

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        wide = (title + "\0").encode("utf-16-le")
        return (wide.ljust(64, b"\0") + struct.pack("<HBBIII", len(wide), kind, 1, 0xFFFFFFFF,
                0xFFFFFFFF, child) + bytes(36) + struct.pack("<IQ", start, size))  # fmt: skip

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, len(stream))
    return head + fat + folder.ljust(512, b"\0") + stream.ljust(n * 512, b"\0")


def old_excel(rows: list[list], places: Callable = lambda i, j: (i, j)) -> bytes:
    """A workbook of Excel 97."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0xDBB, 0x7CC, 0, 6))

    def cell(i: int, j: int, value) -> bytes:
        place = struct.pack("<HHH", *places(i, j), 0)
        if isinstance(value, str):
            wide = value.encode("utf-16-le")
            return record(0x204, place + struct.pack("<HB", len(value), 1) + wide)
        return record(0x203, place + struct.pack("<d", value))

    cells = [cell(i, j, v) for i, row in enumerate(rows) for j, v in enumerate(row)]
    sheet = begin(0x10) + b"".join(cells) + record(0x0A, b"")
    bound = struct.pack("<IHBB", 0, 0, 1, 0) + b"S"
    first = len(begin(5)) + 4 + len(bound) + 4
    bound = struct.pack("<IHBB", first, 0, 1, 0) + b"S"
    return ole("Workbook", begin(5) + record(0x85, bound) + record(0x0A, b"") + sheet)


def parquet(table: dict, **options) -> bytes:
    """A Parquet file."""
    data = io.BytesIO()
    pa.parquet.write_table(pa.table(table), data, **options)
    return data.getvalue()


def columns(**more) -> dict:
    """The table by columns, some replaced or added."""
    return dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True)) | more


def records(rows=ROWS) -> list[dict]:
    """The rows as objects."""
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


def log(events: str = "", head: str = "", trace: str = "") -> str:
    """The table as XES."""
    body = "".join(
        f'<trace><string key="concept:name" value="{lead}"/>{trace}{events}'
        + "".join(f'<event><string key="concept:name" value="{r[2]}"/>'
                  f'<date key="time:timestamp" value="{r[1]}"/></event>'
                  for r in ROWS if r[0] == lead)
        + "</trace>\n"
        for lead in "1234"
    )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<log>{body}</log>'


def page(rows=ROWS, above: str = "", tag: str = "table") -> str:
    """The table as a web page, as Bitrix24 gives for Excel."""
    cells = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in r)}</tr>\n" for r in [HEADER, *rows])
    meta = '<meta http-equiv="Content-type" content="text/html;charset=utf-8"/>'
    return f"<html><head>{meta}</head><body>{above}<{tag} border=1>{cells}</{tag}></body></html>"
