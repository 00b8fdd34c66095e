"""Who can be compared with whom: groups of leads, and strata in which like meets like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.comparing.decided import Decided
from funnel_lib.core.groups import find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.ordering import code_numbers
from funnel_lib.counting.values import code_quarters, code_values
from funnel_lib.stats.intervals import add_by, divide

KINDS = ("manager", "team", "source", "quarter")
# Managers work in other times, with other sources and products; a quarter has other managers.
_STRATA = {
    "manager": ("quarter", "source", "product"), "team": ("quarter", "source", "product"),
    "source": ("quarter", "manager", "product"), "quarter": ("manager", "source", "product"),
}  # fmt: skip
MOST_STRATA = 30  # a column with more values than that is too fine to compare within
LARGE, MOST_LARGE = 50, 60
_ALL = ("manager", "quarter", "source", "product")
FEWEST = 30  # a group with fewer leads is compared with nobody


@dataclass(frozen=True)
class Grouping:
    """By what leads can be compared: which group each is of, and the strata to compare within."""

    kind: str
    names: tuple[str, ...]
    code: np.ndarray  # (n_leads,) positions in names; -1 for none
    stratum: np.ndarray  # (n_leads,)
    n_strata: int

    def add_up(self, chosen: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """How many of the chosen leads, or what they have together, (n_groups, n_strata)."""
        mine = np.flatnonzero(chosen & (self.code >= 0))
        cell = self.code[mine].astype(np.int64) * self.n_strata + self.stratum[mine]
        n_cells = len(self.names) * self.n_strata
        own = None if weights is None else weights[mine]
        return np.bincount(cell, own, minlength=n_cells).reshape(-1, self.n_strata).astype(float)

    def name(self, group: int) -> str:
        """Such as ``manager=Anna``."""
        return f"{self.kind}={self.names[group]}"


def list_groupings(journeys: Journeys, kinds: tuple[str, ...] = KINDS) -> list[Grouping]:
    """By which of the kinds are the leads of several groups?"""
    found = [_find_grouping(journeys, kind) for kind in kinds]
    return [grouping for grouping in found if len(grouping.names) > 1]


def _find_grouping(journeys: Journeys, kind: str) -> Grouping:
    key = "grouping", kind
    if key not in journeys.kept:
        code, names = _code_entered(journeys, kind)
        stratum, n_strata = np.zeros(len(code), np.int8), 1
        if len(names) > 1:
            stratum, n_strata = _find_strata(journeys, _STRATA[kind])
        journeys.kept[key] = Grouping(kind, names, code, stratum, n_strata)
    return journeys.kept[key]


def _code_entered(journeys: Journeys, kind: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The group of each lead that entered, -1 for none, and the groups' names."""
    if kind not in journeys.leads and kind != "quarter":
        return np.full(len(journeys.leads), -1, np.int32), ()
    code, names = code_quarters(journeys) if kind == "quarter" else code_values(journeys, kind)
    entered = journeys.leads["entered_at"].notna().to_numpy()
    known = pd.Categorical.from_codes(np.where(entered, code, -1), pd.Index(names, dtype="str"))
    known = known.remove_unused_categories()
    return known.codes, tuple(known.categories)


def find_large_strata(journeys: Journeys, leads: np.ndarray) -> np.ndarray:
    """Leads of the same manager, then also of the same quarter, source and product, as far as
    strata have `LARGE` of some leads, (n_leads,), on average and are `MOST_LARGE` at most."""
    stratum = np.zeros(len(journeys.leads), np.int64)
    for n in range(len(_ALL)):
        finer, _ = _find_strata(journeys, _ALL[: n + 1])
        n_strata = len(np.unique(finer[leads]))
        if n_strata * LARGE > leads.sum() or n_strata > MOST_LARGE:
            break
        stratum = finer
    return stratum


def _find_strata(journeys: Journeys, kinds: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """Leads alike in all of these, numbered; a column with too many values counts for nothing."""
    stratum = np.zeros(len(journeys.leads), np.int64)
    for kind in kinds:
        code, names = _code_entered(journeys, kind)
        if kind == "quarter" or len(names) <= MOST_STRATA:
            stratum = stratum * (len(names) + 1) + code + 1
    stratum, known = code_numbers(stratum)
    return stratum, len(known)


def count_cells(
    grouping: Grouping, decided: Decided, leads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many of some leads, (n_leads,), decided at each node and went on, (n_groups, n_strata,
    n_nodes) each."""
    of_lead = decided.places.counted.of_lead
    counts = [
        [grouping.add_up(leads & marks[of_lead, node]) for node in range(marks.shape[1])]
        for marks in (decided.stood, decided.went_on)
    ]
    n, hits = (np.stack(parts, axis=-1) for parts in counts)
    return n, hits


def measure_design(
    journeys: Journeys,
    grouping: Grouping,
    decided: Decided,
    leads: np.ndarray,
    pull: np.ndarray | None = None,
) -> np.ndarray | float:
    """By how much do accounts of several leads raise the variance of groups' shares at each node?

    The sum of the squares of what accounts are above their group's share, over the sum of those of
    leads, (n_nodes,), never below 1 (design effect: Kish 1965, Survey Sampling, chapter 5). With
    `pull`, (n_groups, n_nodes), how much a lead at a node moves a figure of the whole path, the
    design effect of that figure.
    """
    places = decided.places.counted.of_lead
    return find_design(
        journeys, grouping, leads,
        lambda mine: (decided.stood[places[mine]], decided.went_on[places[mine]]), pull,
    )  # fmt: skip


def find_design(
    journeys: Journeys,
    grouping: Grouping,
    leads: np.ndarray,
    look: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    pull: np.ndarray | None = None,
) -> np.ndarray | float:
    """By how much do accounts of several leads raise the variance of groups' shares of any kind?

    As `measure_design`; `look` tells of some leads which are cases, and which hits, (n, n_shares)
    each, and is asked only where accounts have several leads.
    """
    account = find_accounts(journeys.leads)
    mine = np.flatnonzero(leads & (grouping.code >= 0))
    if not len(mine) or np.bincount(account[mine]).max() < 2:
        return 1.0
    group = grouping.code[mine]
    unit = pd.factorize(account[mine] * np.int64(len(grouping.names)) + group)[0]
    stood, went_on = look(mine)
    n, hits = (add_by(marks, group, len(grouping.names)) for marks in (stood, went_on))
    above = np.where(stood, went_on - np.nan_to_num(divide(hits, n))[group], 0.0)
    if pull is None:
        together = add_by(above, unit)
        return np.maximum(np.nan_to_num(divide((together**2).sum(0), (above**2).sum(0)), nan=1), 1)
    above = above * np.nan_to_num(divide(pull, n))[group]
    together = np.bincount(unit, above.sum(axis=1))
    return max(float(np.nan_to_num(divide((together**2).sum(), (above**2).sum()), nan=1)), 1.0)
