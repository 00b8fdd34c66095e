"""Which row is the header, where titles and merged groups stand above it."""

from __future__ import annotations

import re

MOST_COLUMNS = 5_000
# How far down a header is looked for.
FIRST_ROWS = 30
# Where most cells are empty, a table of more cells than this is refused: it would fill the memory.
MOST_CELLS, MOST_EMPTY = 10_000_000, 50
_NUMBER = re.compile(r"[\d\s.,:/+%-]*")


def find_header(rows: list[list[str]]) -> int:
    """Which of the first rows is the header?

    It is the first row with any text, but for one case: that row has one or two filled cells, a
    much wider row of different words, none of them a number, comes below, and most rows after it
    are wider than the first, too. Then that row is the header, and what is above it are titles.

    Examples
    --------
    >>> find_header([["Отчёт за 2025"], [], ["ID", "Дата", "Действие"], ["7", "01.02", "Звонок"]])
    2
    >>> find_header([["ID"], ["7", "01.02.2025", "Звонок"]])
    0
    """
    cells = [[c.strip() for c in row if c.strip()] for row in rows[:FIRST_ROWS]]
    first = next((i for i, row in enumerate(cells) if row), 0)
    width = max(map(len, cells), default=0)
    n_first = len(cells[first]) if cells else 0
    if not 1 <= n_first <= 2 or width < n_first + 2:
        return first
    for i, row in enumerate(cells[first + 1 :], first + 1):
        wide = len(row) >= max(n_first + 1, 3, 0.6 * width)
        words = len({*row}) == len(row) and not any(map(_NUMBER.fullmatch, row))
        below = [len(r) > n_first for r in cells[i + 1 :] if r]
        if wide and words and below and 2 * sum(below) >= len(below):
            return i
    return first


def name_columns(rows: list[list[str]], header: int) -> list[str]:
    """Give the names in a header. An empty one under a filled cell takes that cell's text: such is
    a header of two rows whose single names run over both."""
    names = [c.strip() for c in rows[header]] if rows else []
    above = rows[header - 1] if header else []
    if sum(bool(c.strip()) for c in above) > 1:
        names = [n or (above[i].strip() if i < len(above) else "") for i, n in enumerate(names)]
    return names


def check_shape(n_rows: int, n_columns: int, n_filled: int) -> None:
    """Refuse a table of more than `MOST_COLUMNS`, or of more than `MOST_CELLS` of which not one in
    `MOST_EMPTY` is filled."""
    if n_columns > MOST_COLUMNS:
        raise ValueError(
            f"{n_columns:,} columns, more than {MOST_COLUMNS:,}: keep the columns that matter"
        )
    if n_rows * n_columns > MOST_CELLS and n_rows * n_columns > MOST_EMPTY * n_filled:
        raise ValueError(
            f"{n_rows:,} rows by {n_columns:,} columns with only {n_filled:,} filled cells: keep "
            "the part that is the table, or save it as CSV"
        )
