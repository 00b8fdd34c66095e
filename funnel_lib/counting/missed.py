"""The first step that each lead did not take, and whether anyone proposed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.core.times import NEVER
from funnel_lib.counting.reach import find_reached, measure_depth, read_window

ASKED = ("yes", "no", "unknown")


@dataclass(frozen=True)
class Missed:
    """Each walk's place in a funnel, all (n_walks,); -1 stands for none."""

    last: np.ndarray  # position of the furthest step reached
    # Position of the first step not taken after it: not optional, measurable; none of a won lead.
    missed: np.ndarray
    # Position in `ASKED`: whether a manager asked for it, from entry to closing; unknown where
    # nobody is asked for that step anywhere in the log.
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
    n, last = len(codes), np.where(counted.entered, measure_depth(counted, codes) - 1, -1)
    later = np.where(can_miss, np.arange(n), n)
    following = np.append(np.minimum.accumulate(later[::-1])[::-1], n)
    missed = following[last + 1]
    missed = np.where((missed < n) & ~counted.has_status("won"), missed, -1)
    places, n_steps = np.flatnonzero(can_miss), len(counted.steps.ids)
    taken, asks = np.full((1, n_steps), -1), np.zeros((1, n, n_steps), bool)
    taken[0, codes[can_miss][::-1]], asks[0, places, codes[can_miss]] = places[::-1], True
    asked_for = find_asked(counted, taken, asks, np.zeros(len(last), int), missed)
    wanted = codes[missed][:, None] == np.arange(n_steps)
    return Missed(last, missed, np.where(missed >= 0, judge_asked(counted, asked_for, wanted), -1))


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


def find_asked(
    counted: Tallies, taken: np.ndarray, asks: np.ndarray, path: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """For which steps was each walk asked, from entry to closing, (n_walks, n_steps)?

    An action that asks for one step counts for it whenever it came; one that asks for several, for
    the earliest of them that the client had not come to before that moment.

    Parameters
    ----------
    taken : (n_paths, n_steps) the place of each step on a path, from 0; -1 where it has none
    asks : (n_paths, n_places, n_steps) whether at a place of a path a step may be asked for
    path : (n_walks,) which path each walk is on
    stands : (n_walks,) its place there: an ask for several steps that counts elsewhere is left out
    """
    n_steps = len(counted.steps.ids)
    asked = np.zeros((len(counted.n), n_steps), bool)
    sets, walk = counted.ask_sets[counted.ask_kind], counted.ask_walk
    alone = sets.sum(axis=1) == 1
    asked[walk[alone], sets[alone].argmax(axis=1)] = True
    if alone.all():
        return asked
    walk, sets, at = walk[~alone], sets[~alone], counted.ask_place[~alone]
    furthest, waits = _find_furthest(counted, taken, path, walk, at), np.ones(len(walk), bool)
    for place in range(asks.shape[1]):  # of each path, the earliest first
        meant = asks[path[walk], place] & sets & (waits & (place > furthest))[:, None]
        rows, steps = np.nonzero(meant & (stands[walk] == place)[:, None])
        asked[walk[rows], steps] = True
        waits &= ~meant.any(axis=1)
    return asked


def _find_furthest(counted: Tallies, place, path, walk, at) -> np.ndarray:
    """How far on its path each walk had come before some places in it, (n,); -1 for nowhere."""
    owner = counted.walk.astype(np.int64)
    wide = place.shape[1] + 1
    so_far = np.maximum.accumulate(owner * wide + place[path[owner], counted.step] + 1)
    long = int(counted.place.max(initial=0)) + 2
    before = np.searchsorted(owner * long + counted.place, walk.astype(np.int64) * long + at) - 1
    begun = before >= counted.offsets[walk]
    so_far = np.append(so_far, 0)  # for logs without evidence
    return np.where(begun, so_far[before] % wide - 1, -1)


def judge_asked(counted: Tallies, asked_for: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Was each walk asked for any of the steps wanted of it, (n_walks, n_steps)? Positions in
    `ASKED`: no where it was for none and all can be seen, else unknown."""
    unseen = (wanted & ~counted.ask_sets.any(axis=0)).any(axis=1)
    found = [(asked_for & wanted).any(axis=1), unseen]
    return np.select(found, [ASKED.index("yes"), ASKED.index("unknown")], ASKED.index("no"))


def list_codes(counted: Tallies | Journeys, group: Group) -> tuple[np.ndarray, np.ndarray]:
    """List the codes of a group's steps, and which of them can be missed: measurable or the sale,
    and not optional."""
    steps = counted.steps
    ids = group.path or steps.before_sale
    codes = np.array([steps.ids.index(i) for i in ids])
    must = np.array([not (steps[i].optional or i in group.optional) for i in ids])
    return codes, must & (counted.measurable[codes] | (codes == steps.ids.index(steps.won)))
