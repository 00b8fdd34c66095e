"""Rows that come up one by one, each with keys of its own, packed into a table as they come."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pyarrow as pa

from funnel_lib.reading.files.headers import check_shape

# Rows, and characters of text, that are kept as Python objects before they go into Arrow.
MOST_ROWS, MOST_CHARS = 20_000, 1 << 24
# What a file says once may be repeated in many rows, up to so many times the size of the file.
FEW_CHARS, MOST_REPEATED = 64 << 20, 20


class Packer:
    """A table of texts that grows row by row; a key that comes up late is missing before.

    `n_bytes` is the size of the file that the rows come from: what it may be repeated to.
    """

    def __init__(self, n_bytes: int):
        self.n_bytes = n_bytes
        self.n_rows = self.n_filled = self.n_chars = 0  # of what is packed
        self._keys: dict = {}
        self._rows: list[dict] = []
        self._chars = 0
        self._parts: list[pa.Table] = []

    def add(self, row: dict) -> None:
        """Add a row: key -> text, None where the key stands without a value; refuse too many
        columns, almost all of them empty, and too much that is repeated."""
        self._rows.append(row)
        self._chars += sum(map(len, filter(None, row.values()))) + 4 * len(row)
        if len(self._rows) >= MOST_ROWS or self._chars > MOST_CHARS:
            self._pack()

    def __len__(self) -> int:
        """Give the number of rows."""
        return self.n_rows + len(self._rows)

    def to_table(self) -> pa.Table:
        """Give all rows, columns in the order in which they came up."""
        self._pack()
        return pa.concat_tables(self._parts, promote_options="default")

    def _pack(self) -> None:
        rows, keys = self._rows, dict.fromkeys(chain.from_iterable(self._rows))
        n_filled = sum(map(len, rows))
        self._keys.update(keys)
        self.n_rows += len(rows)
        self.n_chars += self._chars
        self.n_filled += n_filled
        check_shape(self.n_rows, len(self._keys), self.n_filled)
        if self.n_chars > FEW_CHARS and self.n_chars > MOST_REPEATED * self.n_bytes:
            raise ValueError(
                f"what it says once is repeated in its rows to {self.n_chars >> 20:,} MiB, more "
                f"than {MOST_REPEATED} times its size; export it as CSV"
            )
        if len(rows) * len(keys) > 4 * n_filled:
            columns = _spread_all(rows, keys)
        else:
            columns = [_to_array([row.get(key) for row in rows]) for key in keys]
        if not columns:  # rows without any cell
            keys, columns = [""], [pa.nulls(len(rows), pa.string())]
        self._parts.append(pa.Table.from_arrays(columns, names=[str(key) for key in keys]))
        self._rows, self._chars = [], 0


def _to_array(texts: list[str | None]) -> pa.Array:
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:  # halves of a character that JSON may escape
        mended = [t if t is None else t.encode("utf-8", "replace").decode() for t in texts]
        return pa.array(mended, pa.string())


def _spread_all(rows: list[dict], keys: dict) -> list[pa.Array]:
    """Columns of rows that each have few of many keys."""
    cells: dict = {key: ([], []) for key in keys}
    for i, row in enumerate(rows):
        for key, text in row.items():
            cells[key][0].append(i)
            cells[key][1].append(text)
    return [_spread(places, texts, len(rows)) for places, texts in cells.values()]


def _spread(places: list[int], texts: list[str | None], n: int) -> pa.Array:
    """Put texts into their places, of `n`."""
    found = np.full(n, -1)
    found[places] = np.arange(len(places))
    return _to_array(texts).take(pa.array(found, mask=found < 0))
