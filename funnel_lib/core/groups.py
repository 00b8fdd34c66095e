"""Groups of leads that are counted together: all of them, or segments with memberships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from funnel_lib.core.html import Card
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import find_shown_words

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

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its card."""
        words, sizes = find_shown_words(), self.memberships.sum(axis=0)
        told = [words.text(f"sentence.segments_{self.why_not}")] if self.why_not else []
        facts = [
            (words.value("segment", segment),
             f"{words.text('count.leads', n=n)}: {words.value('path', ' > '.join(path))}")
            for segment, path, n in zip(self.ids, self.paths, sizes, strict=True)
        ]  # fmt: skip
        return words.text("card.segmentation"), told, facts


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
    return {
        name: table[table["segment"] == segment].reset_index(drop=True)
        if name in BY_SEGMENT
        else table
        for name, table in tables.items()
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
