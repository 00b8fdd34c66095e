"""Does proposing the next step help those who are still undecided, at each place of the tree?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.comparing.comparable import find_large_strata
from funnel_lib.core.groups import SKIPPED_OFTEN, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import DAY, HOUR, MINUTE, NEVER, first_at, has_clock_times, to_micros
from funnel_lib.counting.days import find_closed, find_first_evidence, find_mature
from funnel_lib.counting.tree import Node, Places
from funnel_lib.stats.differences import FAMILY, correct_p
from funnel_lib.stats.experiments import Z
from funnel_lib.stats.incidence import OPEN, OTHERWISE, TAKEN
from funnel_lib.stats.landmark import Gain, estimate_gain
from funnel_lib.stats.strata import compare_strata

FEWEST, FEWEST_LEFT = 30, 10  # leads, and those of them who did not go on, to tell of, a side
TOGETHER = 0.1  # of those who went on so many at once, and nothing says what asking does
_AT_ONCE = (2 * MINUTE, HOUR)  # one click apart; one call


def compare_asked(
    journeys: Journeys, places: Places, leads: np.ndarray | None = None, seed: int = 0
) -> pd.DataFrame:
    """At which places does proposing the next step go with going on, among those undecided?

    Of each place but the first, as nobody comes to it: whole leads on its paths that have had their
    time, from the first evidence of the step before, and of the one before that: a step recorded by
    mistake mostly has none before it, and nobody asks a lead that is not there. They go on with the
    first evidence of the next step or of a later one of their path (at a fork of any next step), or
    the sale, are lost when they are closed, and open ones are watched up to the export. Left out
    are leads of which either is unseen, or who went on before it: when they came is not known. An
    ask before that counts from then on; one at the moment of going on comes before it; one that
    comes later, or before entry, is none. An action that asks for several steps counts for the
    earliest that the client has not come to by then, as of `asked.find_asked`. Compared are leads
    of the same manager, quarter, source and product, as far as there are enough
    (`comparable.find_large_strata`): the better manager may ask more. Dates without times
    make asking look worse than it is, never better.

    Parameters
    ----------
    leads : (n_leads,) which may be compared; default all. Leave out those of groups that record
        otherwise.
    seed : by which accounts are dealt to the blocks of the jackknife

    Returns
    -------
    DataFrame: a row a place for whose next steps anyone is asked in the log, none else. The columns
    of the table `asks`. Where either side has fewer than `FEWEST` leads, or `FEWEST_LEFT` that did
    not go on, a third of those who went on do not show the step (who takes another path is asked
    for another step), at a fork clients of one path are asked more often, or asks are recorded
    together with the step (`with_step`, see `_are_together`), the shares and all that follows from
    them are NaN. p is corrected by Holm for the rows told, `beyond_chance` at its part of
    `differences.FAMILY`. How the shares are found: see `landmark.estimate_gain`.
    """
    chosen, rows, timed = find_mature(journeys), [], has_clock_times(journeys.ask_at)
    if leads is not None:
        chosen = chosen & leads
    accounts, of_lead = find_accounts(journeys.leads), places.counted.of_lead
    # When each lead came past the place looked at on its own path; the last places come first.
    own = to_micros(journeys.leads["sold_at"])
    for node in reversed(places.tree.nodes):
        going, shown = own, own < (NEVER if journeys.steps.won in node.next_steps else -NEVER)
        for step, part in zip(node.next_steps, node.parts, strict=True):
            taken = find_first_evidence(journeys, step)
            mine = np.isin(places.path, part)[of_lead]
            own = np.where(mine, np.minimum(own, taken), own)
            going, shown = np.minimum(going, taken), shown | (taken < NEVER)
        if node.parent and journeys.ask_sets[:, _list_codes(journeys, node)].any():
            came, *watch = _watch(journeys, places, node, going, own)
            here = chosen & np.isin(places.path, node.segments)[of_lead] & came
            strata = find_large_strata(journeys, here)[here]
            gain = estimate_gain(*(what[here] for what in watch), accounts[here], seed, strata)
            path = places.path[of_lead[here]]
            alike = _are_alike(journeys, node, shown[here], path, *(x[here] for x in watch[1:]))
            went = going[here & (going < NEVER)]
            together = timed and has_clock_times(went) and _are_together(*(x[here] for x in watch))
            row = _judge(gain, alike and not together)
            rows.append(_describe(places, node) | row | {"with_step": together})
    return _correct(pd.DataFrame(rows[::-1]))


def _list_codes(journeys: Journeys, node: Node) -> list[int]:
    return [journeys.steps.ids.index(step) for step in node.next_steps]


def _watch(journeys: Journeys, places: Places, node: Node, going, own):
    """Of which leads is it known when they came to a node, for how long were they watched from
    then on, what ended it, and when were they asked, all (n_leads,)?

    `going` is when each went on, `own` when it came past the node on its own path: the other next
    steps of a fork are not on it.
    """
    skeleton, depth = _find_way(places, node)
    since = np.maximum.reduce([
        find_first_evidence(journeys, step) for step in skeleton[max(depth - 2, 0) : depth]
    ])  # fmt: skip
    came, went = (since < NEVER) & (going >= since), going < NEVER
    lost = places.counted.has_status("lost")[places.counted.of_lead]
    end = np.where(lost, find_closed(journeys), journeys.observed_until.value // 1000)
    end = np.maximum(np.where(went, going, end), since)
    asked = _find_asks(journeys, places, node, own, end)
    ask = np.where(asked < NEVER, np.maximum(asked - since, 0), NEVER)
    return came, end - since, np.select([went, lost], [TAKEN, OTHERWISE], OPEN), ask


def _find_way(places: Places, node: Node) -> tuple[tuple[str, ...], int]:
    """The path of a segment through a node, and where on it the node is: so far all are alike."""
    k = node.segments[0]
    return places.tree.skeletons[k], places.tree.routes[k].index(node.number)


def _find_asks(journeys: Journeys, places: Places, node: Node, own, end) -> np.ndarray:
    """When each lead was first asked for a node's next steps, from entry to the end of its watch,
    (n_leads,); `NEVER` where it was not."""
    lead, at, kind = journeys.ask_lead, journeys.ask_at, journeys.ask_kind
    sets = journeys.ask_sets
    meant = sets[:, _list_codes(journeys, node)].any(axis=1)
    counts = meant[kind] & (at >= to_micros(journeys.leads["entered_at"])[lead])
    counts &= at <= end[lead]
    for several in np.flatnonzero(meant & (sets.sum(axis=1) > 1)):
        past = _find_past(journeys, places, node, sets[several], own)
        counts &= (kind != several) | (past[lead] < at)
    return first_at(lead[counts], at[counts], len(journeys.leads))


def _find_past(journeys: Journeys, places: Places, node: Node, wanted: np.ndarray, own):
    """When each lead came past all earlier places of its path that wait for one of some steps,
    (n_leads,): from then on an ask for them is one for the node's."""
    (skeleton, depth), nodes = _find_way(places, node), places.tree.nodes
    route = places.tree.routes[node.segments[0]]
    for earlier in reversed(range(depth)):
        if wanted[_list_codes(journeys, nodes[route[earlier] - 1])].any():
            between = (find_first_evidence(journeys, step) for step in skeleton[earlier:depth])
            return np.minimum.reduce([own, *between])
    return np.full(len(journeys.leads), -NEVER)


def _describe(places: Places, node: Node) -> dict:
    counted = places.counted
    lost = (places.node == node.number) & counted.has_status("lost")
    return {
        "node": node.number, "step": node.missed, "n_lost": int(np.rint(counted.n[lost].sum())),
        "segment": places.tree.name_node(node),
    }  # fmt: skip


def _are_alike(journeys: Journeys, node: Node, shown, path, cause, ask) -> bool:
    """Do most who went on take the step itself, so that all are on one path? And are clients of all
    paths that part at a fork asked as often, as far as they went on?

    Else those asked are mostly of one path, and what sets the paths apart would pass for what
    asking does: of those lost nobody knows the path.
    """
    on = cause == TAKEN
    if (on & shown).sum() < (1 - SKIPPED_OFTEN) * on.sum():
        return False
    if not node.is_fork:
        return True
    if not journeys.ask_sets[:, _list_codes(journeys, node)].any(axis=0).all():
        return False
    asked = [ask[on & np.isin(path, part)] < NEVER for part in node.parts]
    n, hits = (np.array([[f(one)] for one in asked], float) for f in (len, np.sum))
    return not (np.abs(compare_strata(n, hits).z) > Z).any()


def _are_together(end, cause, ask) -> bool:
    """Do more go on at once after an ask than the waits of the others explain: is the ask recorded
    because the step was taken?

    A call that is logged when it was answered always comes before a step, whatever it does. "At
    once" is within two minutes, or within an hour (who logs when a talk begins, and the step when
    it ends). Those who wait longer explain as many as they would if waits had no memory
    (exponential, by their mean, of half that time at least; within the error of it), or as there
    are up to four times that long (waits of people have long tails), whichever is more. This costs
    places where most who go on do so within the hour after an honest ask: these data cannot tell
    that from a record made with the step.
    """
    wait = (end - ask)[(cause == TAKEN) & (ask < NEVER)]
    if len(wait) < max(FEWEST_LEFT, 1):
        return False
    for once in _AT_ONCE:
        later = wait[wait > once] - once
        n, explained = len(later), (later <= 3 * once).sum()
        if n:
            means = min(once / later.mean(), 2)
            explained = max(explained, n * np.expm1(means) * (1 + Z * (1 + means) / np.sqrt(n)))
        if len(wait) - n - explained > TOGETHER * len(wait):
            return True
    return False


def _judge(gain: Gain, alike: bool) -> dict:
    """A row's numbers; what is told only where both sides have enough leads, and are alike."""
    sides = [(gain.n_asked, gain.n_asked_went_on), (gain.n_not_asked, gain.n_not_asked_went_on)]
    enough = all(n >= FEWEST and n - went_on >= FEWEST_LEFT for n, went_on in sides)
    low, high = gain.find_interval()
    found = {
        "share_asked": gain.share_asked, "share_not_asked": gain.share_not_asked,
        "difference": gain.difference, "low": low, "high": high, "p": gain.find_p(),
        "error": gain.error,
    }  # fmt: skip
    if not (alike and enough and np.isfinite(gain.error)):
        found = dict.fromkeys(found, np.nan)
    counts = ("n_asked", "n_asked_went_on", "n_not_asked", "n_not_asked_went_on")
    return {
        "landmark_days": gain.landmark / DAY, **{name: getattr(gain, name) for name in counts},
        **found,
    }  # fmt: skip


def _correct(rows: pd.DataFrame) -> pd.DataFrame:
    """Correct p for all rows told."""
    if rows.empty:
        return rows
    corrected = correct_p(rows["p"].to_numpy(float))
    return rows.assign(p_holm=corrected, beyond_chance=corrected < FAMILY["asks"])
