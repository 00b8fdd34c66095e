"""How far the cells of an old Excel workbook (.xls) reach, by its records.

The reader lays out every cell between the first and the last of each sheet, so two cells in far
corners of many sheets would fill any memory.
"""

from __future__ import annotations

import struct

import numpy as np

from funnel_lib.reading.files.headers import check_shape

_NAMES = ("Workbook", "Book")
_END = 0xFFFFFFF0  # sector numbers from here on are marks
_CELLS = {0x06, 0xBD, 0xD6, 0xFD, 0x203, 0x204, 0x205, 0x206, 0x27E, 0x406}
_MANY, _BEGIN = 0xBD, {0x09, 0x209, 0x409, 0x809}
_CUT = "the file is damaged or cut off; export it again"


def check_old_workbook(data: bytes) -> None:
    """Refuse an OLE container without a workbook, or one whose few cells lie far apart."""
    try:
        stream = _Container(data).find_workbook()
    except (struct.error, IndexError, ValueError):
        stream = None
    if stream is None:
        raise ValueError(_CUT)
    place = rows = columns = size = filled = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        place += 4 + length
        if kind in _CELLS and length >= 6 and place <= len(stream):
            row, column = struct.unpack_from("<HH", stream, place - length)
            last = struct.unpack_from("<H", stream, place - 2)[0] if kind == _MANY else column
            rows, columns = max(rows, row + 1), max(columns, last + 1)
            filled += last - column + 1
        elif kind in _BEGIN:
            size, rows, columns = size + rows * columns, 0, 0
    check_shape(size + rows * columns, 1, filled)


class _Container:
    """The sectors of an OLE container (MS-CFB)."""

    def __init__(self, data: bytes):
        self.data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("no sectors")
        self.size = 1 << shift
        folder, self.cutoff = (struct.unpack_from("<I", data, at)[0] for at in (48, 56))
        index = np.frombuffer(data, "<u4", 109, 76)
        more, left = struct.unpack_from("<I", data, 68)[0], len(data) // self.size
        while more < _END and left > 0:
            part = np.frombuffer(self.sector(more), "<u4")
            index, more, left = np.append(index, part[:-1]), int(part[-1]), left - 1
        fat = b"".join(self.sector(int(i)) for i in index if i < _END)
        self.next = np.frombuffer(fat, "<u4")
        entries = self.chain(folder)
        self.entries = [entries[i : i + 128] for i in range(0, len(entries) - 127, 128)]
        mini = self.chain(struct.unpack_from("<I", data, 60)[0])
        self.mini_next = np.frombuffer(mini, "<u4")

    def sector(self, i: int) -> bytes:
        start = (i + 1) * self.size
        return self.data[start : start + self.size].ljust(self.size, b"\0")

    def chain(self, first: int) -> bytes:
        """The bytes of a chain of sectors."""
        parts = []
        while first < len(self.next) and len(parts) <= len(self.next):
            parts.append(self.sector(first))
            first = int(self.next[first])
        return b"".join(parts)

    def find_workbook(self) -> bytes | None:
        for entry in self.entries:
            (length,) = struct.unpack_from("<H", entry, 64)
            name = entry[: max(length - 2, 0)].decode("utf-16-le", "replace")
            if name in _NAMES and entry[66] == 2:
                first, size = struct.unpack_from("<II", entry, 116)
                return (self.mini(first) if size < self.cutoff else self.chain(first))[:size]
        return None

    def mini(self, first: int) -> bytes:
        """The bytes of a chain of the small sectors that the root entry holds."""
        (root,) = struct.unpack_from("<I", self.entries[0], 116)
        small, parts = self.chain(root), []
        while first < len(self.mini_next) and len(parts) <= len(self.mini_next):
            parts.append(small[first * 64 : first * 64 + 64])
            first = int(self.mini_next[first])
        return b"".join(parts)
