"""Random worlds whose logs hold what real ones do: wrong clicks, bots, bulk edits, no path at all.

Every fault is a function of a long table of events (lead, code, minute); a kind of world is some
random paths, or none, and the faults its log has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from random_worlds import random_paths

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import Journeys, build_journeys
from funnel_lib.core.steps import Steps

YEAR, WAIT = 365 * 24 * 60, 2 * 24 * 60  # minutes: in which leads come; of a wait, about


@dataclass
class Events:
    """A log while it is made: arrays of one length, in any order."""

    lead: np.ndarray
    code: np.ndarray
    minute: np.ndarray  # since the first of January

    def where(self, kept: np.ndarray) -> Events:
        """Some of the events."""
        return Events(self.lead[kept], self.code[kept], self.minute[kept])

    def add(self, lead, code, minute) -> Events:
        """More events."""
        both = zip((self.lead, self.code, self.minute), (lead, code, minute), strict=True)
        return Events(*map(np.concatenate, both))


@dataclass
class World:
    """A log and its truth."""

    events: Events
    n_codes: int  # the last is the sale
    n_leads: int
    paths: list[list[int]]
    segment: np.ndarray  # (n_leads,) each lead's path
    block: tuple[int, ...] = ()  # steps that come in any order, on every path
    no_path: bool = False
    extra: dict = field(default_factory=dict)

    def journeys(self) -> Journeys:
        """The log as the library reads it."""
        steps = Steps(steps=[{"id": f"s{c:02}"} for c in range(self.n_codes)],
                      won=f"s{self.n_codes - 1:02}")  # fmt: skip
        frame = pd.DataFrame({
            "lead_id": [f"L{i:07}" for i in self.events.lead],
            "action": np.array(steps.ids)[self.events.code],
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(self.events.minute, unit="min"),
        })  # fmt: skip
        return build_journeys(build_log(frame), steps)


def walk(paths, weights, go_on, n: int, rng) -> tuple[Events, np.ndarray]:
    """Walk paths and stop anywhere; the events, and each lead's path."""
    segment = rng.choice(len(paths), n, p=np.array(weights) / np.sum(weights))
    longest = max(map(len, paths))
    table = np.array([[*p, *[-1] * (longest - len(p))] for p in paths])
    going = np.cumprod(rng.random((n, longest)) < np.array(go_on)[:, None][segment], axis=1)
    going[:, 0] = 1
    lead, place = np.nonzero(going & (table[segment] >= 0))
    waits = np.maximum(rng.exponential(WAIT, (n, longest)), 1)
    minute = rng.integers(0, YEAR, n)[:, None] + np.cumsum(waits, axis=1)
    return Events(lead, table[segment][lead, place], minute[lead, place].astype(int)), segment


def drop(events: Events, share: float, rng) -> Events:
    """Leave events out."""
    return events.where(rng.random(len(events.lead)) >= share)


def add(events: Events, share: float, n_codes: int, rng) -> Events:
    """Add steps that nobody took, shortly after others."""
    at = np.flatnonzero((rng.random(len(events.lead)) < share) & (events.code < n_codes - 1))
    code = rng.integers(n_codes - 1, size=len(at))
    return events.add(events.lead[at], code, events.minute[at] + rng.integers(1, 30, len(at)))


def substitute(events: Events, share: float, n_codes: int, rng) -> Events:
    """Put a wrong step in the place of the right one, drawn at random (never the sale)."""
    wrong = (rng.random(len(events.lead)) < share) & (events.code < n_codes - 1)
    drawn = (events.code + rng.integers(1, n_codes - 1, len(wrong))) % (n_codes - 1)
    return Events(events.lead, np.where(wrong, drawn, events.code), events.minute)


def repeat(events: Events, leads, low: int, high: int, n_codes: int, rng) -> Events:
    """Let some leads repeat one of their steps low to high times, a minute or two apart."""
    order = rng.permutation(len(events.lead))
    order = order[(events.code[order] < n_codes - 1) & np.isin(events.lead[order], leads)]
    at = order[np.unique(events.lead[order], return_index=True)[1]]
    times = rng.integers(low, high + 1, len(at))
    which = np.repeat(at, times)
    later = np.cumsum(rng.integers(1, 3, len(which)))
    later -= np.repeat(later[np.cumsum(times) - times], times) - 1
    return events.add(events.lead[which], events.code[which], events.minute[which] + later)


def edit_in_bulk(events: Events, code: int, leads, rng) -> Events:
    """Let somebody book one action on many leads in one minute."""
    first = pd.Series(events.minute).groupby(events.lead).min()
    minute = int(first.quantile(0.8))
    leads = leads[(first.reindex(leads) < minute).to_numpy()]
    return events.add(leads, np.full(len(leads), code), np.full(len(leads), minute))


def mix_order(events: Events, block, rng) -> Events:
    """Shuffle the moments at which a lead takes the steps of a block: all that it takes of them."""
    at = np.flatnonzero(np.isin(events.code, block))
    at = at[np.lexsort((events.minute[at], events.lead[at]))]
    drawn = at[np.lexsort((rng.random(len(at)), events.lead[at]))]
    code = events.code.copy()
    code[at] = events.code[drawn]
    return Events(events.lead, code, events.minute)


def _draw_paths(rng, k: int, lo: int = 5, hi: int = 9):
    n_codes = int(rng.integers(9, 13))
    return random_paths(rng, k, n_codes, 2, lo, hi), n_codes


def _plant(rng, n: int, k: int, noise: float = 0.0, **sizes) -> World:
    paths, n_codes = _draw_paths(rng, k, **sizes)
    go_on = np.full(k, rng.uniform(0.75, 0.9)) if rng.random() < 0.5 else rng.uniform(0.8, 0.9, k)
    events, segment = walk(paths, rng.uniform(0.7, 1.3, k), go_on, n, rng)
    return World(add(events, noise, n_codes, rng), n_codes, n, paths, segment)


def make_paths(rng, n: int) -> World:
    """One to four paths with all kinds of noise, at random rates: what is no disorder."""
    world = _plant(rng, n, int(rng.integers(1, 5)))
    wrong, left_out, more = rng.uniform(0, (0.1, 0.15, 0.15))
    events = substitute(drop(world.events, left_out, rng), wrong, world.n_codes, rng)
    world.events = add(events, more, world.n_codes, rng)
    return world


def make_wrong(rng, n: int, share: float, k: int, more: bool) -> World:
    """Wrong steps recorded instead of the right ones, alone or with 5 % dropped and added."""
    world = _plant(rng, n, k)
    events = drop(world.events, 0.05, rng) if more else world.events
    events = substitute(events, share, world.n_codes, rng)
    world.events = add(events, 0.05, world.n_codes, rng) if more else events
    return world


def make_mixed(rng, n: int, size: int) -> World:
    """A path whose middle steps come in any order."""
    n_codes = size + 4
    block = tuple(int(c) for c in 1 + rng.permutation(n_codes - 2)[:size])
    rest = [c for c in range(1, n_codes - 1) if c not in block]
    path = [0, *([rest[0]] if rng.random() < 0.5 else []), *block]
    path += [*[c for c in rest if c not in path], n_codes - 1]
    events, segment = walk([path], [1], [rng.uniform(0.82, 0.95)], n, rng)
    events = mix_shuffled(events, path, block, rng)
    return World(add(events, 0.03, n_codes, rng), n_codes, n, [path], segment, tuple(sorted(block)))


def mix_shuffled(events: Events, path, block, rng) -> Events:
    """Give every lead an order of its own of the steps of a block, wherever it stops."""
    n = int(events.lead.max()) + 1
    order = np.argsort(rng.random((n, len(block))), axis=1)
    place = np.full(max(path) + 1, -1)
    place[list(block)] = np.arange(len(block))
    here = place[events.code]
    mine = np.array(block)[order[events.lead, np.maximum(here, 0)]]
    return Events(events.lead, np.where(here >= 0, mine, events.code), events.minute)


def make_no_path(rng, n: int, again: bool) -> World:
    """No path at all: steps at random, each once or any number of times; some buy in the end."""
    n_codes = int(rng.integers(7, 13))
    path = list(range(n_codes - 1))
    weights = rng.uniform(0.5, 1.5, n_codes - 1)
    go_on = [rng.uniform(0.75, 0.9)]
    events, segment = walk([path], [1], go_on, n, rng)
    order = np.argsort(rng.exponential(1, (n, n_codes - 1)) / weights, axis=1)
    place = events.code  # the walk is 0, 1, 2, …
    code = order[events.lead, place]
    if again:
        code = rng.choice(n_codes - 1, len(code), p=weights / weights.sum())
    last = pd.Series(events.minute).groupby(events.lead).max()
    bought = np.flatnonzero(rng.random(n) < 0.2)
    events = Events(events.lead, code, events.minute).add(
        bought, np.full(len(bought), n_codes - 1), last.to_numpy()[bought] + 60
    )
    return World(events, n_codes, n, [[*path, n_codes - 1]], segment, tuple(path), no_path=True)


def make_faulty(rng, n: int, fault: str) -> World:
    """One to three paths, 3 % noise, and one fault of a log."""
    world = _plant(rng, n, int(rng.integers(1, 4)), 0.03, lo=6)
    n_codes, path = world.n_codes, world.paths[0]
    events = world.events
    if fault == "bursts":
        leads = rng.permutation(n)[: n // 20]
        world.events = repeat(events, leads, 5, 60, n_codes, rng)
    elif fault == "bots":
        world.events = repeat(events, rng.permutation(n)[:5], 500, 500, n_codes, rng)
    elif fault == "loop-bots":  # go through the same two or three steps again and again
        for lead in rng.permutation(n)[:5]:
            steps, times = rng.permutation(n_codes - 1)[: rng.integers(2, 4)], 200
            start = events.minute[events.lead == lead].max()
            m = len(steps) * times
            events = events.add(np.full(m, lead), np.tile(steps, times), start + 1 + np.arange(m))
        world.events = events
    elif fault == "one-go":
        at = int(rng.integers(2, len(path) - 2))
        one = world.paths[0][at]
        spare = [c for c in range(n_codes - 1) if not any(c in p for p in world.paths)]
        other = spare[0] if spare else n_codes - 1
        if not spare:  # a code of its own
            world.events.code[world.events.code == n_codes - 1] = n_codes
            world.paths = [[n_codes if c == n_codes - 1 else c for c in p] for p in world.paths]
            world.n_codes += 1
        events = world.events
        lost = rng.random(len(events.lead)) < 0.15
        kept = events.where(~((events.code == one) & lost) & (events.code != other))
        both = kept.code == one
        world.events = kept.add(kept.lead[both], np.full(both.sum(), other), kept.minute[both])
    elif fault == "winners":
        go_on = rng.uniform(0.85, 0.95, len(world.paths))
        weights = rng.uniform(0.7, 1.3, len(world.paths))
        events, world.segment = walk(world.paths, weights, go_on, n, rng)
        events = add(events, 0.03, n_codes, rng)
        bought = np.isin(events.lead, events.lead[events.code == n_codes - 1])
        first = pd.Series(events.minute).groupby(events.lead).transform("min").to_numpy()
        kept = (events.code == n_codes - 1) | (events.minute == first)
        share = np.where(bought, rng.uniform(0, 0.1), rng.uniform(0.2, 0.5))
        world.events = events.where(kept | (rng.random(len(share)) >= share))
    elif fault == "bulk":
        leads = rng.permutation(n)[: int(n * 900 / 4000 / 0.8)]
        code = int(rng.choice([c for c in range(n_codes - 1) if c != path[0]]))
        world.events = edit_in_bulk(events, code, leads, rng)
    return world


def make_later(rng, n: int, share: float) -> tuple[World, World]:
    """A log of 3,000 leads, and a later one with a share of leads on a path that was not there."""
    k = int(rng.integers(1, 4))
    paths, n_codes = _draw_paths(rng, k + 1)
    weights, go_on = rng.uniform(0.7, 1.3, k), rng.uniform(0.75, 0.92, k + 1)
    noise = rng.uniform(0, 0.05)

    def plant(paths, weights, go_on, n):
        events, segment = walk(paths, weights, go_on, n, rng)
        return World(add(events, noise, n_codes, rng), n_codes, n, paths, segment)

    old = plant(paths[:k], weights, go_on[:k], 3000)
    if not share:
        return old, plant(paths[:k], weights, go_on[:k], n)
    weights = [*(weights / weights.sum() * (1 - share)), share]
    return old, plant(paths, weights, go_on, n)


def make_many(seed: int, n: int):
    """Rows of codes of four paths, 5 % dropped and 5 % added; and the number of codes."""
    rng = np.random.default_rng(seed)
    world = _plant(rng, n, 4)
    events = add(drop(world.events, 0.05, rng), 0.05, world.n_codes, rng)
    order = np.lexsort((events.minute, events.lead))
    lead = np.unique(events.lead[order], return_inverse=True)[1]
    place = np.arange(len(lead)) - np.searchsorted(lead, lead)
    rows = np.full((lead.max() + 1, place.max() + 1), -1)
    rows[lead, place] = events.code[order]
    return rows, world.n_codes


KINDS = {
    **{f"wrong-{round(100 * p)}{'-one' * (k == 1)}{'-more' * more}":
       partial(make_wrong, share=p, k=k, more=more)
       for p in (0.02, 0.05, 0.1) for k in (1, 3) for more in (False, True)},
    **{f"order-{m}": partial(make_mixed, size=m) for m in (3, 4, 5, 6)},
    "no-path": partial(make_no_path, again=False),
    "no-path-again": partial(make_no_path, again=True),
    **{fault: partial(make_faulty, fault=fault)
       for fault in ("bursts", "bots", "loop-bots", "one-go", "winners", "bulk")},
    "paths": make_paths,
    **{f"later-{round(100 * p)}": partial(make_later, share=p) for p in (0.0, 0.1, 0.2, 0.38)},
}  # fmt: skip


def make(kind: str, seed: int, n: int):
    """A world of a kind; of ``later-…`` the old one and the new one."""
    return KINDS[kind](np.random.default_rng([seed, sum(map(ord, kind))]), n)
