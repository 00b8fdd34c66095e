"""Rows of steps as they are explained: without what no client did, without an order where is none.

Two steps recorded in one go are one; so are those of a block that clients take in any order. One
act recorded many times in a row is one act, and of what a robot does only the beginning is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from funnel_lib.engine.blocks import find_blocks
from funnel_lib.engine.walks import Path, change

BURST = 4  # as many times in a row, where far more go on than begin, are one act
ENDLESS = 0.7  # of those who took a step twice in a row, so many take it once more: a burst
SHORTEST, FAR, MOST = 30, 3, 100  # events read of any journey; times the usual; at the most
USUAL = 0.99  # of journeys are not longer


@dataclass(frozen=True)
class Recoding:
    """Which steps are one, and what is left out of rows."""

    together: tuple[tuple[int, ...], ...] = ()  # steps recorded in one go
    blocks: tuple[tuple[int, ...], ...] = ()  # steps that come in any order
    bursts: tuple[int, ...] = ()  # steps whose long repeats are one act
    longest: int = 0  # events read of a row; 0: all
    bought: bool = False  # whether those who bought lack steps more, or less, often

    def apply(self, rows: np.ndarray, gaps: np.ndarray | None):
        """Rows as they are explained, and their gaps."""
        is_long = self.longest and rows.shape[1] > self.longest
        if not (is_long or self.together or self.blocks or self.bursts):
            return rows, gaps
        row, at = np.nonzero(rows >= 0)
        kept = rows[row, at]
        for part in self.together:
            row, at, kept = _join(row, at, kept, part, any_order=False)
        if self.bursts:
            row, at, kept = _cut_bursts(row, at, kept, self.bursts)
        for part in self.blocks:
            row, at, kept = _join(row, at, kept, part, any_order=True)
        place = np.arange(len(row)) - np.searchsorted(row, row)
        if self.longest:
            row, at, kept, place = (x[place < self.longest] for x in (row, at, kept, place))
        new = np.full((len(rows), place.max(initial=0) + 1), -1)
        new[row, place] = kept
        if gaps is None:
            return new, None
        waits = np.full(new.shape, -1)
        waits[row, place] = gaps[row, at]
        return new, waits

    def count_steps(self, n_codes: int) -> np.ndarray:
        """How many steps does each code stand for, (n_codes,)?"""
        many = np.ones(n_codes)
        for part in (*self.together, *self.list_blocks()):
            many[part[0]] = len(part)
        return many

    def list_blocks(self) -> list[tuple[int, ...]]:
        """The blocks, with steps that are recorded in one go written out."""
        one = {part[0]: part for part in self.together}
        return [tuple(sorted(s for c in part for s in one.get(c, (c,)))) for part in self.blocks]

    def expand(self, path: Path, lacking: dict[int, float]) -> Path:
        """A path with every step that is one with others as all of them, in their own order.

        `lacking` is the share of those gone on that do so without each step of a block.
        """
        parts = {part[0]: part for part in (*self.together, *self.list_blocks())}
        if not parts:
            return path
        steps, first, last, met = [], {}, {}, set()
        for j, step in enumerate(path.steps):
            part = parts.get(step, (step,))
            if len(part) > 1 and step in met:
                continue
            met.add(step)
            first[j], last[j] = len(steps), len(steps) + len(part) - 1
            steps += part
        of = {new: j for j in first for new in range(first[j], last[j] + 1)}

        def spread(shares, default):
            if not shares:
                return ()
            return tuple(default.get(steps[n], shares[of[n]]) for n in range(len(steps)))

        loops, n_loops = sorted(path.loops), len(path.loops)
        looped = dict(zip(loops, path.looped or [0] * n_loops, strict=True))
        kept = {(first[a], last[b]): (path.loops[a, b], looped[a, b]) for a, b in loops
                if a in first and b in last and last[b] > first[a]}  # fmt: skip
        return change(
            path,
            steps=tuple(steps),
            skip={n: path.skip[of[n]] for n in range(len(steps)) if of[n] in path.skip},
            repeat={n: path.repeat[of[n]] for n in range(len(steps)) if of[n] in path.repeat},
            swaps={last[j]: p for j, p in path.swaps.items()
                   if j in last and j + 1 in first and first[j + 1] == last[j] + 1},
            loops={block: p for block, (p, _) in kept.items()},
            looped=tuple(kept[block][1] for block in sorted(kept)),
            skipped=spread(path.skipped, lacking),
            repeated=spread(path.repeated, {}),
        )  # fmt: skip

    def to_dict(self) -> dict:
        """Plain lists and numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict) -> Recoding:
        """Read what `to_dict` wrote."""
        parts = {n: tuple(tuple(map(int, p)) for p in saved[n]) for n in ("together", "blocks")}
        return cls(**parts, bursts=tuple(saved["bursts"]), longest=saved["longest"],
                   bought=saved["bought"])  # fmt: skip


def _join(row, at, code, part, any_order: bool):
    """Make one step of several: a run of them is one act.

    Of steps recorded in one go, each is recorded once an act. A lone step amidst a block is noise,
    and left out: of a block's many events, more than elsewhere would seem to be.
    """
    here = np.isin(code, part)
    if any_order:
        own = here[:-2] & here[2:] & (row[:-2] == row[2:])
        here[1:-1] |= own
    same = np.zeros(len(row), bool)
    same[1:] = here[1:] & here[:-1] & (row[1:] == row[:-1])
    if not any_order:
        same[1:] &= code[1:] != code[:-1]
        place = np.arange(len(row))
        same = (place - np.maximum.accumulate(np.where(same, 0, place))) % len(part) > 0
    code = np.where(here, part[0], code)
    return row[~same], at[~same], code[~same]


def _cut_bursts(row, at, code, bursts):
    """Leave one of a step's long repeats."""
    start, length = _find_runs(row, code)
    kept = ~np.isin(code, bursts) | (np.repeat(length, length) < BURST)
    kept[start] = True
    return row[kept], at[kept], code[kept]


def _find_runs(row, code):
    """Where runs of one step begin, and how long each is."""
    new = np.ones(len(row), bool)
    new[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
    start = np.flatnonzero(new)
    return start, np.diff(start, append=len(row))


def find_bursts(rows: np.ndarray, weight: np.ndarray, n_codes: int) -> tuple[int, ...]:
    """Which steps are recorded many times in a row for one act?

    A client who repeats a step goes on repeating it as often as he began to. Where few begin, and
    nearly all of them go on, somebody clicks, or something does.
    """
    row, at = np.nonzero(rows >= 0)
    code = rows[row, at]
    start, length = _find_runs(row, code)
    code, n = code[start], weight[row[start]]
    once, twice, more, often, longer = (
        np.bincount(code, n * count, n_codes)
        for count in (length > 0, length > 1, np.maximum(length - 2, 0),
                      length >= BURST, np.maximum(length - 1, 0))
    )  # fmt: skip
    begin, goes_on = twice / np.maximum(once, 1), more / np.maximum(longer, 1)
    return tuple(np.flatnonzero((goes_on > ENDLESS) & (goes_on > 2 * begin) & (often > 0)).tolist())


def find_longest(rows: np.ndarray, weight: np.ndarray) -> int:
    """Of how many events a journey is read: far more than nearly all have. The end is free."""
    length = (rows >= 0).sum(axis=1)
    order = np.argsort(length)
    usual = length[order][np.searchsorted(np.cumsum(weight[order]), USUAL * weight.sum())]
    return int(min(max(SHORTEST, FAR * usual), MOST))


def find_recoding(rows, weight, n_codes: int, end_step: int, together=()) -> Recoding:
    """What is not to be read as it stands in rows that hold each journey with so many leads?"""
    first = Recoding(tuple(tuple(sorted(map(int, part))) for part in together))
    bursts = find_bursts(first.apply(rows, None)[0], weight, n_codes)
    first = replace(first, bursts=bursts)
    rows = first.apply(rows, None)[0]
    first = replace(first, blocks=find_blocks(rows[:, :MOST], weight, n_codes, end_step))
    return replace(first, longest=find_longest(first.apply(rows, None)[0], weight))
