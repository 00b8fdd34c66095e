"""What a file is, by its first bytes, and all of its bytes, unpacked within bounds.

Only ordinary files are read: a pipe or a device may never end. What is packed is unpacked piece by
piece, so that a few bytes that would grow into gigabytes are refused before they do.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from funnel_lib.core.errors import InputError
from funnel_lib.reading.files.html_tables import is_html
from funnel_lib.reading.files.xes import is_xml

PIECE = 1 << 22  # bytes read or unpacked at once
HEAD = 4096  # bytes that show the kind of a file
# Unpacked, more than this at more than so many times the size is a trap: tables shrink ten times.
MOST_UNPACKED, MOST_RATIO = 64 << 20, 100
MOST_BYTES = 2 << 30
# A row of text longer than this is a quote that nobody closed, or no table at all.
MOST_ROW = 8 << 20
# More control characters than this, and it is a picture or a program, no text.
MOST_CONTROL = 0.005
# UTF-16 and UTF-32 without a mark: what share of the upper bytes is zero.
ENOUGH_ZEROS = {"utf-16": 0.2, "utf-32": 0.99}
_DAMAGED = "{} is damaged or cut off; export it again"
SAVE_AS = "save the table as CSV (UTF-8) or XLSX"
_GZ = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE = b"\xd0\xcf\x11\xe0"
_JSON = re.compile(rb"""\{\s*(?:["}/']|$)|\[\s*(?:[\[{\]"/]|-?\d|$)""")
_BLANK = b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"BZh91AY&SY": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF89a": "a GIF picture",
    b"SQLite format 3\x00": "an SQLite database",
    b"{\\rtf": "an RTF document",
    b"MIME-Version:": "a web archive (MHTML)",
    b"ARROW1": "an Arrow file",
    b"Obj\x01": "an Avro file",
    b"\x7fELF": "a program",
}
# Streams by which an OLE container shows what it is.
_OLE_STREAMS = {
    "EncryptedPackage": "protected by a password; open it in Excel, take the password off",
    "WordDocument": "a Word document",
    "PowerPoint Document": "a PowerPoint presentation",
}
_ZIP_FOLDERS = {
    "word/": "a Word document (DOCX)",
    "ppt/": "a PowerPoint presentation (PPTX)",
    "Index/": "a Numbers, Pages or Keynote document",
}


def read_file(path: str | Path) -> tuple[str, bytes]:
    """Read an ordinary file, unpacked if it is a gz: (kind, all bytes).

    The kind is "text", "JSON", "HTML", "XES", "Excel" or "Parquet".

    Raises
    ------
    InputError
        No such file, no ordinary file, not readable, empty, a damaged gz, one that grows too far,
        another kind of file, or text without an end of line.
    """
    try:
        return _read_file(Path(path))
    except FileNotFoundError:
        what = "a link that leads nowhere" if os.path.islink(path) else "no such file"
        raise InputError([f"{path}: {what}"]) from None
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except MemoryError:
        raise InputError([f"{path}: too large for the memory; split it"]) from None
    except ValueError as error:
        raise InputError([f"{path}: {error}"]) from None


def detect_kind(head: bytes, name: str = "") -> str:
    """What kind is a file, by its first bytes? Its name counts only for XES; another kind of file
    is refused and named."""
    if head[:4] == b"PAR1":
        return "Parquet"
    if head[:4] in _ZIP or head[:4] == _OLE:
        return "Excel"
    if head[:2] == _GZ:
        raise ValueError("a gz file inside a gz file; unpack it once and give what comes out")
    for start, what in _FOREIGN.items():
        if head.startswith(start):
            raise ValueError(f"this is {what}, no table; {SAVE_AS}")
    if head[257:262] == b"ustar":
        raise ValueError("this is a tar archive; unpack it and give the tables in it")
    start = head[:HEAD].lstrip(b"\xef\xbb\xbf\xff\xfe\x00")
    if start[1:2] == b"\x00" or head[:1] == b"\x00":  # of the width of UTF-16 or UTF-32
        start = start.replace(b"\x00", b"")
    start = start.lstrip()
    if is_html(start):
        return "HTML"
    if is_xml(head, name):
        return "XES"
    return "JSON" if _JSON.match(start) else "text"


def find_wide(data: bytes) -> str | None:
    """Is a text UTF-16 or UTF-32, by its mark or by where its zeros stand?"""
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
    ):  # fmt: skip
        if data.startswith(mark):
            return encoding
    start = data[: HEAD // 4 * 4]
    zeros = [start[i::4].count(0) / max(len(start[i::4]), 1) for i in range(4)]
    for where, encoding in (
        ((2, 3), "utf-32-le"), ((0, 1), "utf-32-be"), ((1, 3), "utf-16-le"), ((0, 2), "utf-16-be"),
    ):  # fmt: skip
        others = [z for i, z in enumerate(zeros) if i not in where]
        other = min(others) if encoding.startswith("utf-32") else max(others)
        enough = min(zeros[i] for i in where) > ENOUGH_ZEROS[encoding[:6]]
        if len(start) >= 4 and enough and other < 0.1:
            return encoding
    return None


def list_members(data: bytes) -> list[zipfile.ZipInfo]:
    """List the members of an XLSX file; another archive is refused and named."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError):
        raise ValueError(_DAMAGED.format("the file")) from None
    if data[-65_557:].count(b"PK\x05\x06") > 1:
        raise ValueError(f"an archive in an archive; {SAVE_AS}")
    _check_names([m.filename for m in members])
    return members


class Growth:
    """How far something packed has grown; refuses what grows too far."""

    def __init__(self):
        self.packed = self.unpacked = 0

    def add(self, packed: int, unpacked: int) -> None:
        """Count bytes before and after; raise a `ValueError` above the bounds."""
        self.packed += packed
        self.unpacked += unpacked
        if self.unpacked > MOST_UNPACKED and self.unpacked > MOST_RATIO * self.packed:
            raise ValueError(
                f"grows to more than {MOST_UNPACKED >> 20} MiB, over {MOST_RATIO} times its size, "
                "when unpacked: no table does; export it again, or unpack it and give that"
            )
        if self.unpacked > MOST_BYTES:
            raise ValueError(f"unpacked it is larger than {MOST_BYTES >> 30} GiB; split it")


def _read_file(path: Path) -> tuple[str, bytes]:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise ValueError(f"this is {what}, no file; give a file")
    if found.st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES >> 30} GiB; split it")
    with open(path, "rb") as file:
        data = file.read(PIECE)
        if data[:2] == _GZ:
            data = b"".join(_unpack_gz(data + file.read()))
            kind = _check_data(data, path.name)
        else:
            kind = _check_data(data, path.name)  # before the rest is read, which may be large
            file.seek(0)
            data = file.read()
    if kind == "text":
        _check_lines(data)
    if not re.search(rb"[^\x00\s\xef\xbb\xbf\xff\xfe]", data):
        raise ValueError("the file is empty")
    return kind, data


def _check_data(data: bytes, name: str) -> str:
    """The kind of a file; refuse what would be text and is none."""
    head = data[:HEAD]
    kind = detect_kind(head, name)
    if kind == "text":
        controls = re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head)
        is_odd = len(controls) > MOST_CONTROL * len(head) and head.strip(_BLANK)
        if is_odd and find_wide(head) is None:
            raise ValueError(f"this is no text; {SAVE_AS}")
        _check_lines(data)
    return kind


def _check_lines(data: bytes) -> None:
    """Refuse text of which a piece has no end of a line."""
    for start in range(0, len(data) - PIECE + 1, PIECE):
        if all(data.find(end, start, start + PIECE) < 0 for end in (b"\n", b"\r")):
            raise ValueError(f"a line of more than {PIECE >> 20} MiB: no table; {SAVE_AS}")


def _unpack_gz(data: bytes) -> Iterator[bytes]:
    """Unpack a gz of one or more members; zeros after the last are padding."""
    growth, tool, done = Growth(), zlib.decompressobj(31), False
    for start in range(0, len(data), PIECE):
        piece = data[start : start + PIECE]
        growth.add(len(piece), 0)
        while piece:
            if done and not (piece := piece.lstrip(b"\x00")):
                break
            tool = zlib.decompressobj(31) if done else tool
            yield from _inflate(tool, piece, growth, "the gz file")
            done = tool.eof
            piece = tool.unused_data
    if not done:
        raise ValueError(_DAMAGED.format("the gz file"))


def _inflate(tool, piece: bytes, growth: Growth, what: str) -> Iterator[bytes]:
    """Unpack one piece, giving no more than `PIECE` at once."""
    while piece and not tool.eof:
        try:
            unpacked = tool.decompress(piece, PIECE)
        except zlib.error:
            raise ValueError(_DAMAGED.format(what)) from None
        growth.add(0, len(unpacked))
        yield unpacked
        piece = tool.unconsumed_tail


def _check_names(names: list[str]) -> None:
    """Refuse archives that are no XLSX workbook."""
    for folder, what in _ZIP_FOLDERS.items():
        if any(n.startswith(folder) for n in names) and "xl/workbook.xml" not in names:
            raise ValueError(f"this is {what}, no table; {SAVE_AS}")
    if any(n.lower() == "xl/workbook.bin" for n in names):
        raise ValueError(f"this is a binary workbook (XLSB); {SAVE_AS}")
    if "mimetype" in names and "content.xml" in names:
        raise ValueError(f"this is an OpenDocument file; {SAVE_AS}")
    if not any(n.lower().startswith("xl/") for n in names):
        raise ValueError("this is a zip archive; unpack it and give the tables in it")


def unpack_member(data: bytes, member: zipfile.ZipInfo, growth: Growth) -> Iterator[bytes]:
    """Unpack a member to the end of its stream, which may be longer than its header says; refuse
    what is damaged, packed in an unusual way, or grown too far."""
    start = member.header_offset
    lengths = data[start + 26 : start + 30]
    if data[start : start + 4] != b"PK\x03\x04" or len(lengths) < 4:
        raise ValueError(_DAMAGED.format("the file"))
    plain = member.compress_type == zipfile.ZIP_STORED
    if (not plain and member.compress_type != zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
        raise ValueError(f"packed or encrypted in an unusual way; {SAVE_AS}")
    start += 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    end = min(start + member.compress_size, len(data))
    tool = zlib.decompressobj(-15)
    for place in range(start, end, PIECE):
        piece = data[place : min(place + PIECE, end)]
        growth.add(len(piece), len(piece) if plain else 0)
        if growth.packed > len(data):
            raise ValueError(_DAMAGED.format("the file"))
        yield from [piece] if plain else _inflate(tool, piece, growth, "the file")
    if not plain and not tool.eof:
        raise ValueError(_DAMAGED.format("the file"))


def refuse_ole(data: bytes) -> None:
    """Refuse an OLE container that holds no Excel workbook, or a locked one, naming it."""
    for stream, what in _OLE_STREAMS.items():
        if stream.encode("utf-16-le") in data:
            raise ValueError(f"this is {what}; {SAVE_AS}")
