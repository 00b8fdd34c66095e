"""The first step that each lead did not take, and whether anyone proposed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tallies import NOWHERE, Tallies, tally
from funnel_lib.core.times import NEVER
from funnel_lib.counting.reach import find_reached, nth_times, read_window

ASKED = ("yes", "no", "unknown")


@dataclass(frozen=True)
class Missed:
    """Each walk's place in a funnel, all (n_walks,); -1 stands for none."""

    last: np.ndarray  # position of the furthest step reached
    # Position of the first step not taken after it: not optional, measurable; none of a won lead.
    missed: np.ndarray
    # Position in `ASKED`: whether the manager's helping action came between reaching the last step
    # and closing; unknown where no such action of that step is anywhere in the log.
    asked: np.ndarray

    def take(self, walks: np.ndarray) -> Missed:
        """The places of some walks, such as those of leads."""
        return Missed(self.last[walks], self.missed[walks], self.asked[walks])


def find_missed(counted: Tallies, group: Group | None = None) -> Missed:
    """Which step is the first that each walk did not take?

    Of lost leads it is the loss, of open ones the next step. The furthest step is that of the rule
    ``passed``; gaps before it are unseen, not missed. A lead that never entered has no last step.
    What is optional in the steps file or on the group's own path is never called missed, nor is a
    step without any evidence in the log: nobody knows who took it, so the next measurable one is
    named.

    Examples
    --------
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}],
    ...               won="pay", lost=["gone"])
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "a", "b", "b", "b"],
    ...     "action": ["ask", "send", "gone", "ask", "read", "gone"],
    ...     "at": pd.date_range("2025-01-01", periods=6)}))
    >>> counted = tally(build_journeys(log, steps))
    >>> missed = find_missed(counted).take(counted.of_lead)
    >>> [steps.before_sale[m] for m in missed.missed], [ASKED[a] for a in missed.asked]
    (['read', 'pay'], ['yes', 'unknown'])
    """
    group = group or Group()
    codes, can_miss = list_codes(counted, group)
    entered, reached, _ = find_reached(counted, codes)
    n = len(codes)
    last = np.where(reached.any(axis=1) & entered, n - 1 - reached[:, ::-1].argmax(axis=1), -1)
    later = np.where(can_miss, np.arange(n), n)
    following = np.append(np.minimum.accumulate(later[::-1])[::-1], n)
    missed = following[last + 1]
    missed = np.where((missed < n) & ~counted.has_status("won"), missed, -1)
    return Missed(last, missed, _find_asked(counted, codes, last, missed))


def place_leads(journeys: Journeys, group: Group | None = None) -> Missed:
    """Where does each lead stand in a group's funnel, all (n_leads,)?"""
    counted = tally(journeys)
    return find_missed(counted, group).take(counted.of_lead)


@dataclass(frozen=True)
class Decided:
    """Who stood before each step that can be missed, and decided."""

    counted: Tallies
    steps: tuple[str, ...]  # ids of these steps, in the order of the group's funnel, the sale last
    stood: np.ndarray  # (n_walks, n_steps) reached the step before, and took this or was lost
    went_on: np.ndarray  # (n_walks, n_steps) took it, or a later one

    def list_leads(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Which leads stood before one of the steps, and which went on, (n_leads,) each."""
        of_lead = self.counted.of_lead
        return self.stood[of_lead, place], self.went_on[of_lead, place]


def find_decided(
    journeys: Journeys, group: Group | None = None, within: pd.Timedelta | str | None = None
) -> Decided:
    """Whose share goes on at each step, without those still open before it?

    The steps are those that `count_losses` counts, by the rule ``passed``; those who stood and did
    not go on are the lost leads that missed the step. With `within` only evidence so long after
    entry counts, and only leads observed for so long: every one of them has had its time, so
    whoever, lost or open, has not taken the step by then did not go on.
    """
    group, window = group or Group(), read_window(within)
    counted = tally(journeys, group.memberships, window)
    codes, can_miss = list_codes(counted, group)
    base, reached, _ = find_reached(counted, codes)
    went_on = reached[:, can_miss] & base[:, None]
    before = np.column_stack([base, went_on[:, :-1]])
    ended = np.ones(len(base), bool) if window < NEVER else counted.has_status("lost")
    ids = np.array(group.path or journeys.steps.before_sale)[can_miss]
    return Decided(counted, tuple(ids.tolist()), before & (went_on | ended[:, None]), went_on)


def _find_asked(counted: Tallies, codes, last, missed) -> np.ndarray:
    """Whether a helping action of the missed step came between the last step and closing."""
    # When the last step was reached: where the funnel has a step n times, its nth evidence counts.
    walk = counted.walk
    rows = np.flatnonzero(counted.step == np.where(last >= 0, codes[last], -1)[walk])
    owner = walk[rows]
    nth = np.arange(len(rows)) - np.searchsorted(owner, owner) + 1
    rows = rows[nth == nth_times(codes)[last[owner]]]
    since = np.where(last >= 0, NOWHERE, -2)
    since[walk[rows]] = counted.place[rows]
    step, owner = np.where(missed >= 0, codes[missed], -1), counted.ask_walk
    helps = (counted.ask_step == step[owner]) & (counted.ask_place >= since[owner])
    asked = np.full(len(last), ASKED.index("no"))
    asked[owner[helps]] = ASKED.index("yes")
    asked[(missed >= 0) & ~counted.askable[step]] = ASKED.index("unknown")
    return np.where(missed >= 0, asked, -1)


def list_codes(counted: Tallies | Journeys, group: Group) -> tuple[np.ndarray, np.ndarray]:
    """List the codes of a group's steps, and which of them can be missed: measurable or the sale,
    and not optional."""
    steps = counted.steps
    ids = group.path or steps.before_sale
    codes = np.array([steps.ids.index(i) for i in ids])
    must = np.array([not (steps[i].optional or i in group.optional) for i in ids])
    return codes, must & (counted.measurable[codes] | (codes == steps.ids.index(steps.won)))
