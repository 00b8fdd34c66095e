"""Groups of leads that are counted together: all of them, or segments with memberships."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from funnel_lib.core.html import Card
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words, find_shown_words

FEWEST_LEADS, FEWEST_STEPS = 50, 2  # below these no segmentation is tried
SKIPPED_OFTEN = 1 / 3  # from here on a step of a path is optional
UNDETERMINED = 0.8  # a lead whose largest membership is below belongs to no segment surely
# Tables that are counted for each segment; the others are of all leads.
BY_SEGMENT = ("funnel", "funnel_rules", "losses", "necessity", "pace", "standing", "time_to")


@dataclass(frozen=True, repr=False)
class Segmentation(Card):
    """Which segments there are, and how much each lead belongs to each."""

    steps: tuple[str, ...]  # ids before the sale; their positions are the model's codes
    ids: tuple[str, ...]  # of the segments, the largest first: "s1", "s2" …; or "all"
    paths: tuple[tuple[str, ...], ...]  # step ids in its clients' order, the sale last
    # Of each path the steps that a third or more (`SKIPPED_OFTEN`) of those who go on lack.
    optional: tuple[tuple[str, ...], ...]
    # (n_leads, n_segments), each lead's sum to 1; zeros for leads that never entered
    memberships: np.ndarray
    model: Any = None  # the fitted mixture of paths, if there is one
    why_not: str = ""  # no segmentation was tried: "few_leads", "few_steps", "not_asked"
    # Of each path pairs of its steps that come in either order; empty where that is not known.
    either_order: tuple[tuple[tuple[str, str], ...], ...] = ()
    blocks: tuple[tuple[str, ...], ...] = ()  # steps that clients take in any order
    # What a person calls segments, by id and language; the others are called by `name_segments`.
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def codes(self) -> dict[str, str]:
        """What the table `segments` calls each: a person's name, else a code of its path."""
        hurry = None  # how much more often the shortest waits come in a segment than overall
        if self.model is not None and self.model.pace:
            hurry = [path.pace[0] if path.pace else 1.0 for path in self.model.paths_]
        made = zip(self.ids, name_segments(self.paths, self.optional, hurry), strict=True)
        return {s: next(iter(self.names.get(s, {}).values()), code) for s, code in made}

    @property
    def has_no_path(self) -> bool:
        """Whether clients take the steps before the sale in any order."""
        return len(self.ids) == 1 and {*self.paths[0][:-1]} in map(set, self.blocks)

    def add_names(self, words: Words) -> Words:
        """The same words, knowing what its segments are called; names that are the same because
        steps are called the same are numbered."""
        words, names, met = replace(words, segment_names={}), {}, Counter()
        for segment, code in self.codes.items():
            name = self.names.get(segment, {}).get(words.lang) or words.value("name", code)
            met[name.casefold()] += 1
            if (n := met[name.casefold()]) > 1:
                name = words.text("named.number", name=name, n=n)
            names[segment] = names[code] = name
        return replace(words, segment_names=names)

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its card."""
        words, sizes = self.add_names(find_shown_words()), self.memberships.sum(axis=0)
        told = [words.text(f"sentence.segments_{self.why_not}")] if self.why_not else []
        facts = [
            (words.value("segment", segment),
             f"{words.text('count.leads', n=n)}: {words.value('path', ' > '.join(path))}")
            for segment, path, n in zip(self.ids, self.paths, sizes, strict=True)
        ]  # fmt: skip
        return words.text("card.segmentation"), told, facts


def write_path(path: Sequence[str], blocks: Sequence[Sequence[str]] = ()) -> str:
    """Write a path as tables do, steps that come in any order within braces.

    Examples
    --------
    >>> write_path(("ask", "meet", "test", "pay"), [("meet", "test")])
    'ask > {meet, test} > pay'
    """
    parts, met = [], set()
    for step in path:
        block = next((b for b in blocks if step in b and {*b} <= {*path}), (step,))
        if len(block) == 1 or not met & {*block}:
            parts.append("{" + ", ".join(block) + "}" if len(block) > 1 else step)
        met |= {step}
    return " > ".join(parts)


def name_segments(
    paths: Sequence[tuple[str, ...]],
    optional: Sequence[tuple[str, ...]] | None = None,
    hurry: Sequence[float] | None = None,
) -> list[str]:
    """What is each path called: by its length, its pace, or by what sets it apart?

    A code each, all of them different, which `Words.value("name", …)` writes out. The one path
    that is shorter than all others is "short", the longest "long", without its `optional` steps.
    Another goes by the first that it alone has of these: "with X", "without X", a pair of them
    ("with X | without Y"), an order ("before X > Y"); else by all its steps ("steps X > Y"). Of
    paths with the same steps the one with the highest `hurry` is "quick", with the lowest "slow",
    those between "medium", behind the name they share ("short | quick"). The rest is numbered.

    Examples
    --------
    >>> name_segments([("ask", "meet", "pay"), ("ask", "pay")])
    ['long', 'short']
    >>> name_segments([("ask", "meet", "pay"), ("ask", "call", "pay")])
    ['with meet', 'with call']
    >>> name_segments([("ask", "pay"), ("ask", "pay")], hurry=[1.4, 0.6])
    ['quick', 'slow']
    >>> name_segments([("ask", "pay")])
    ['all']
    """
    if len(paths) == 1:
        return ["all"]
    spare = optional or [()] * len(paths)
    lengths = [sum(s not in own for s in p) for p, own in zip(paths, spare, strict=True)]
    kinds = [(path, None if hurry else n) for path, n in zip(paths, lengths, strict=True)]
    names, met = [], Counter()
    for k, kind in enumerate(kinds):
        twins = [j for j, other in enumerate(kinds) if other == kind]
        others = [j for j, other in enumerate(kinds) if other != kind]
        parts = []
        if others:
            length = _compare_length(lengths[k], [lengths[j] for j in others])
            parts.append(length or _find_mark(paths[k], spare[k], [paths[j] for j in others]))
        if hurry and len({hurry[j] for j in twins}) > 1:
            parts.append(_compare_pace(hurry[k], [hurry[j] for j in twins]))
        name = " | ".join(parts) or "path"
        met[name] += 1
        names.append(f"{name} | {met[name]}" if met[name] > 1 else name)
    return names


def _compare_length(own: int, others: list[int]) -> str:
    return "short" if own < min(others) else "long" if own > max(others) else ""


def _compare_pace(own: float, twins: list[float]) -> str:
    return "quick" if own == max(twins) else "slow" if own == min(twins) else "medium"


def _find_mark(path: tuple[str, ...], spare: tuple[str, ...], others: list[tuple[str, ...]]) -> str:
    """The first step, lack of a step, pair of these, or order of two that no other path has; steps
    that the path's clients often leave out are the last to tell it by."""
    own = sorted(dict.fromkeys(path), key=lambda step: step in spare)
    lacked = [s for s in dict.fromkeys(step for p in others for step in p) if s not in path]
    signs = [("with", s) for s in own] + [("without", s) for s in lacked]
    for combined in [*((sign,) for sign in signs), *combinations(signs, 2)]:
        if not any(all((s in p) == (word == "with") for word, s in combined) for p in others):
            return " | ".join(f"{word} {step}" for word, step in combined)
    for first, later in combinations(dict.fromkeys(path), 2):
        if not any((first, later) in combinations(dict.fromkeys(p), 2) for p in others):
            return f"before {first} > {later}"
    return f"steps {' > '.join(path)}"


def keep_together(journeys: Journeys, why_not: str = "not_asked") -> Segmentation:
    """Leave all leads that entered in one segment.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a"], "action": ["ask"], "at": ["2025-01-01"]}))
    >>> keep_together(build_journeys(log, parse_steps("{steps: [{id: ask}], won: ask}"))).ids
    ('all',)
    """
    steps = journeys.steps.before_sale
    everybody = journeys.leads["entered_at"].notna().to_numpy(float)[:, None]
    return Segmentation(steps, ("all",), (steps,), ((),), everybody, why_not=why_not)


@dataclass(frozen=True)
class Group:
    """Leads that are counted together, in a funnel of their own; by default all of them."""

    segment: str = "all"  # or a segment's id
    path: tuple[str, ...] | None = None  # its steps up to the sale; None: the global ones
    optional: tuple[str, ...] = ()  # steps that its clients often go on without
    # (n_leads, n_segments) of all segments; None: all leads fully. One column: plain weights.
    memberships: np.ndarray | None = None
    column: int = 0  # of the group's own memberships

    def weigh(self, n_leads: int) -> np.ndarray:
        """How much each lead belongs to it, (n_leads,)."""
        if self.memberships is None:
            return np.ones(n_leads)
        return np.ascontiguousarray(self.memberships[:, self.column])

    def of(self, base: np.ndarray) -> np.ndarray:
        """Memberships of the leads in the base, (n_base, n_segments), the group's own first."""
        if self.memberships is None:
            return np.ones((int(base.sum()), 1))
        order = [self.column, *(k for k in range(self.memberships.shape[1]) if k != self.column)]
        return self.memberships[base][:, order]


def list_groups(segmentation: Segmentation) -> list[Group]:
    """All leads in the global funnel, then each segment in its own; only all where there is one."""
    if len(segmentation.ids) == 1:
        return [Group()]
    parts = zip(segmentation.ids, segmentation.paths, segmentation.optional, strict=True)
    member = segmentation.memberships
    return [Group(), *(Group(*part, member, k) for k, part in enumerate(parts))]


def place_steps(steps: tuple[str, ...], path: tuple[str, ...]) -> np.ndarray:
    """Where on a path each step stands: step code → position, -1 where it is not on it.

    One longer than the steps, so that the padding of journeys, -1, is on no path.
    """
    position = np.full(len(steps) + 1, -1)
    position[[steps.index(step) for step in path]] = np.arange(len(path))
    return position


def select_segment(tables: dict[str, pd.DataFrame], segment: str = "all") -> dict:
    """Keep one segment's rows of the tables that are counted for each.

    Examples
    --------
    >>> table = pd.DataFrame({"segment": ["all", "s1"], "n_lost": [3.0, 1.0]})
    >>> select_segment({"losses": table}, "s1")["losses"]["n_lost"].tolist()
    [1.0]
    """
    return tables | {
        name: table[table["segment"] == segment].reset_index(drop=True)
        for name, table in tables.items()
        if name in BY_SEGMENT
    }


def take_everybody(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of all leads; where there are none, those of the first segment."""
    ids = table["segment"]
    mine = "all" if (ids == "all").any() or table.empty else ids.iloc[0]
    return table[ids == mine].reset_index(drop=True)


def find_accounts(leads: pd.DataFrame) -> np.ndarray:
    """Which account is each lead of, (n_leads,) codes? A lead without one is an account of its own.

    Accounts, not leads, are what the bootstrap draws: deals of one client are not independent.
    """
    codes, names = pd.factorize(leads["account_id"])
    alone = codes < 0
    return np.where(alone, len(names) + np.cumsum(alone) - 1, codes)
