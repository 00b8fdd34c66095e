"""Where clients are lost: the first step not taken, and whether anyone asked for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.events import ACTORS, STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.funnels import find_reached, nth_times, read_window
from funnel_lib.intervals import divide
from funnel_lib.journeys import Journeys, first_at, last_at
from funnel_lib.moments import NEVER, to_micros
from funnel_lib.money import split_currencies, take_amounts
from funnel_lib.segments import Group
from funnel_lib.steps import Steps

ASKED = ("yes", "no", "unknown")
PIPELINE_MARK = " / "  # between the name of a pipeline and that of its stage


@dataclass(frozen=True)
class Missed:
    """Each lead's place in a funnel; -1 stands for none, all of shape (n_leads,).

    Attributes
    ----------
    last : position of the furthest step reached
    missed : position of the first step not taken after it: not optional, and measurable; none of
        a won lead
    asked : position in `ASKED`: whether the manager's helping action came between reaching the
        last step and closing; unknown where no such action of that step is anywhere in the log
    """

    last: np.ndarray
    missed: np.ndarray
    asked: np.ndarray


def find_missed(journeys: Journeys, group: Group | None = None) -> Missed:
    """Which step is the first that each lead did not take?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose steps before the sale, and which of them its clients may buy without, besides
        those of the steps file; default the global steps

    Returns
    -------
    Missed, for every lead: of lost ones it is the loss, of open ones the next step. The furthest
    step is that of the rule ``passed``; gaps before it are unseen, not missed. A lead that never
    entered has no last step. A step without any evidence in the log is never called missed: nobody
    can tell who took it, so the next measurable one is named.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}],
    ...               won="pay", lost=["gone"])
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "a", "b", "b", "b"],
    ...     "action": ["ask", "send", "gone", "ask", "read", "gone"],
    ...     "at": pd.date_range("2025-01-01", periods=6)}))
    >>> missed = find_missed(build_journeys(log, steps))
    >>> [steps.before_sale[m] for m in missed.missed], [ASKED[a] for a in missed.asked]
    (['read', 'pay'], ['yes', 'unknown'])
    """
    group = group or Group()
    codes, can_miss = list_codes(journeys, group)
    entered, reached, _ = find_reached(journeys, codes)
    n = len(codes)
    last = np.where(reached.any(axis=1) & entered, n - 1 - reached[:, ::-1].argmax(axis=1), -1)
    later = np.where(can_miss, np.arange(n), n)
    following = np.append(np.minimum.accumulate(later[::-1])[::-1], n)
    missed = following[last + 1]
    missed = np.where((missed < n) & (journeys.leads["status"] != "won"), missed, -1)
    return Missed(last, missed, _find_asked(journeys, codes, last, missed))


@dataclass(frozen=True)
class Decided:
    """Who stood before each step that can be missed, and decided.

    Attributes
    ----------
    steps : ids of these steps, in the order of the group's funnel, the sale last
    stood : (n_leads, n_steps) reached the step before and took this one, or was lost without it
    went_on : (n_leads, n_steps) took it, or a later one
    """

    steps: tuple[str, ...]
    stood: np.ndarray
    went_on: np.ndarray


def find_decided(
    journeys: Journeys, group: Group | None = None, within: pd.Timedelta | str | None = None
) -> Decided:
    """Whose share goes on at each step, without those still open before it?

    Parameters
    ----------
    journeys : the leads' client steps
    group : as in `find_missed`
    within : count only evidence so long after entry, and only leads observed for so long: every
        one of them has had its time, so whoever has not taken the step by then did not go on

    Returns
    -------
    Decided. The steps are those that `count_losses` counts, by the rule ``passed``; those who stood
    and did not go on are the lost leads that missed the step (with `within`: lost or open ones).
    """
    group, window = group or Group(), read_window(within)
    codes, can_miss = list_codes(journeys, group)
    base, reached, _ = find_reached(journeys, codes, window=window)
    went_on = reached[:, can_miss] & base[:, None]
    before = np.column_stack([base, went_on[:, :-1]])
    ended = np.ones(len(base), bool)
    if window == NEVER:
        ended = (journeys.leads["status"] == "lost").to_numpy()
    ids = np.array(group.path or journeys.steps.before_sale)[can_miss]
    return Decided(tuple(ids.tolist()), before & (went_on | ended[:, None]), went_on)


def count_losses(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """At which step not taken are leads lost, were they asked, and what does it cost?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose losses, by which steps before the sale; default all leads and the global steps

    Returns
    -------
    frame, one row a step that can be missed and currency of the log: segment, missed_step, n_lost
    (lost leads that entered), n_asked, n_not_asked, n_unknown (of n_lost), share_of_lost (of all
    lost leads of the segment), share_of_entered, amount_lost (of the leads whose amount counts, see
    `money.take_amounts`), currency. Open leads are not lost. Steps where nobody is lost have a row
    of zeros.
    """
    group = group or Group()
    found, ids = find_missed(journeys, group), group.path or journeys.steps.before_sale
    weights = group.weigh(len(found.last))
    leads = journeys.leads
    entered = leads["entered_at"].notna().to_numpy()
    lost = entered & (leads["status"] == "lost").to_numpy() & (found.missed >= 0)
    currency, names = split_currencies(leads)
    cell = (found.missed * len(names) + currency)[lost]
    size = len(ids) * len(names)
    amount = np.nan_to_num(take_amounts(leads))
    sums = {
        name: np.bincount(cell, (weights * values)[lost], minlength=size)
        for name, values in (
            ("n_lost", np.ones(len(leads))),
            *((f"n_{word}", found.asked == code) for code, word in enumerate(ASKED)),
            ("amount_lost", amount),
        )
    }
    table = pd.DataFrame(sums).rename(columns={"n_yes": "n_asked", "n_no": "n_not_asked"})
    table["segment"] = group.segment
    table["missed_step"] = np.repeat(list(ids), len(names))
    table["currency"] = np.tile(names, len(ids))
    table["share_of_lost"] = divide(table["n_lost"], weights[lost].sum())
    table["share_of_entered"] = divide(table["n_lost"], weights[entered].sum())
    _, can_miss = list_codes(journeys, group)
    return table[np.repeat(can_miss, len(names))].reset_index(drop=True)[_LOSS_COLUMNS]


def count_necessity(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """Which share of the buyers shows each step, and how much of that is only the manager's word?

    Returns
    -------
    frame, one row a global step before the sale: segment, step, n_won (buyers that entered),
    n_won_with_evidence, share (of n_won; empty for a step without any evidence in the log),
    self_reported_share (of n_won_with_evidence: those with nothing but the manager's word).
    A step that buyers lack is optional, or not recorded.
    """
    steps = journeys.steps
    n_leads, n_steps = len(journeys.leads), len(steps.before_sale)
    group = group or Group()
    weights = group.weigh(n_leads)
    won = (journeys.leads["status"] == "won") & journeys.leads["entered_at"].notna()
    mass = weights * won.to_numpy()
    shown, proven = np.zeros((2, n_leads, n_steps), bool)
    before = journeys.step < n_steps
    lead, step, told = journeys.lead[before], journeys.step[before], journeys.told[before]
    shown[lead, step] = True
    proven[lead[~told], step[~told]] = True
    n_shown = mass @ shown
    share = np.where(journeys.measurable[:n_steps], divide(n_shown, mass.sum()), np.nan)
    return pd.DataFrame({
        "segment": group.segment,
        "step": list(steps.before_sale),
        "n_won": mass.sum(),
        "n_won_with_evidence": n_shown,
        "share": share,
        "self_reported_share": divide(mass @ (shown & ~proven), n_shown),
    })  # fmt: skip


def list_leads(
    log: EventLog, journeys: Journeys, groups: list[Group] | None = None
) -> pd.DataFrame:
    """Where does each lead stand?

    Parameters
    ----------
    log, journeys : the log and its journeys
    groups : of `segments.list_groups`: all leads, then the segments; default all leads

    Returns
    -------
    frame, one row a lead: lead_id, segment (the most probable one) and probability (empty if it
    never entered), status, last_step, missed_step, asked (yes, no, unknown), all three in that
    segment's funnel, stage (the last one of the CRM), stage_ahead (its step in the steps file lies
    beyond the furthest one reached; never of a won lead), amount, currency, and the further columns
    of the leads (one named like a column before it becomes ``…_in_export``). For an open lead
    missed_step is the next step.
    """
    groups = groups or [Group()]
    found = find_missed(journeys)
    entered = journeys.leads["entered_at"].notna()
    stage = _last_stage(log, journeys)
    codes = {step_id: n for n, step_id in enumerate(journeys.steps.ids)}
    means = {name: find_stage_step(journeys.steps, name) for name in stage.dropna().unique()}
    shown_by_stage = pd.to_numeric(stage.map({n: codes.get(s) for n, s in means.items()}))
    ahead = (shown_by_stage > found.last) & (journeys.leads["status"] != "won")
    own_groups = groups[1:] or groups
    member = np.column_stack([g.weigh(len(entered)) for g in own_groups])
    best = member.argmax(axis=1)
    names = np.array([g.segment for g in own_groups], dtype=object)
    last, missed, asked = np.full((3, len(best)), None, dtype=object)
    for k, group in enumerate(own_groups):
        place, path = find_missed(journeys, group), group.path or journeys.steps.before_sale
        ids, mine = np.array([*path, None], dtype=object), best == k
        last[mine], missed[mine] = ids[place.last[mine]], ids[place.missed[mine]]
        asked[mine] = np.array([*ASKED, None], dtype=object)[place.asked[mine]]
    own = pd.DataFrame({
        "lead_id": journeys.leads["lead_id"],
        "segment": pd.Series(names[best], dtype="str").where(entered),
        "probability": pd.Series(member.max(axis=1)).where(entered),
        "status": journeys.leads["status"],
        "last_step": pd.Series(last, dtype="str"),
        "missed_step": pd.Series(missed, dtype="str"),
        "asked": pd.Series(asked, dtype="str"),
        "stage": stage,
        "stage_ahead": ahead.to_numpy(bool),
    })  # fmt: skip
    rest = journeys.leads.drop(columns=["lead_id", "status", "stage", "has_row"], errors="ignore")
    first = ["amount", "currency"]
    rest = rest[[*first, *(c for c in rest if c not in first)]]
    taken = {*own, "next_step", "days_silent"}
    rest = rest.rename(columns={c: f"{c}_in_export" for c in rest if c in taken})
    return pd.concat([own, rest], axis=1)


def list_open_leads(log: EventLog, journeys: Journeys, leads: pd.DataFrame) -> pd.DataFrame:
    """Which step comes next for each open lead, was it proposed, how long is the client silent?

    Parameters
    ----------
    log, journeys : the log and its journeys
    leads : the table of `list_leads`

    Returns
    -------
    frame, one row an open lead: lead_id, segment, last_step, next_step, asked, days_silent (from
    the client's last act, or else the lead's creation, to observed_until), stage, manager, amount,
    currency; never-asked ones first, then by amount: a list to work through.
    """
    codes = pd.Index(log.leads["lead_id"]).get_indexer(journeys.leads["lead_id"])
    at = log.events["at"].astype("int64").to_numpy()
    acts = (log.events["actor"] == ACTORS[0]).to_numpy()
    heard = last_at(lead_codes(log)[acts], at[acts], len(log.leads))[codes]
    np.maximum.at(heard, journeys.lead, journeys.at)
    created = to_micros(journeys.leads["created_at"])
    heard = np.where(heard > -NEVER, heard, created)
    silent = (journeys.observed_until.value // 1000 - heard) / 86_400e6
    table = leads.assign(days_silent=np.where(heard < NEVER, silent, np.nan))
    table = table[table["status"] == "open"].rename(columns={"missed_step": "next_step"})
    urgency = table["asked"].map({"no": 0, "unknown": 1, "yes": 2})
    table = table.assign(urgency=urgency).sort_values(
        ["urgency", "amount", "days_silent", "lead_id"],
        ascending=[True, False, False, True],
        na_position="last",
        kind="stable",
    )
    return table[_OPEN_COLUMNS].reset_index(drop=True)


_LOSS_COLUMNS = [
    "segment", "missed_step", "n_lost", "n_asked", "n_not_asked", "n_unknown", "share_of_lost",
    "share_of_entered", "amount_lost", "currency",
]  # fmt: skip
_OPEN_COLUMNS = [
    "lead_id", "segment", "last_step", "next_step", "asked", "days_silent", "stage", "manager",
    "amount", "currency",
]  # fmt: skip


def _find_asked(journeys: Journeys, codes, last, missed) -> np.ndarray:
    """Whether a helping action of the missed step came between the last step and closing."""
    n_leads = len(last)
    rows = np.flatnonzero(journeys.step == np.where(last >= 0, codes[last], -1)[journeys.lead])
    owner = journeys.lead[rows]
    nth = np.arange(len(rows)) - np.searchsorted(owner, owner) + 1
    rows = rows[nth == nth_times(codes)[last[owner]]]
    reached = first_at(journeys.lead[rows], journeys.at[rows], n_leads)
    since = np.where(last >= 0, reached, -NEVER)
    closed = to_micros(journeys.leads["closed_at"])
    step = np.where(missed >= 0, codes[missed], -1)
    lead, at = journeys.ask_lead, journeys.ask_at
    helps = (journeys.ask_step == step[lead]) & (at >= since[lead]) & (at <= closed[lead])
    asked = np.full(n_leads, ASKED.index("no"))
    asked[lead[helps]] = ASKED.index("yes")
    asked[(missed >= 0) & ~journeys.askable[step]] = ASKED.index("unknown")
    return np.where(missed >= 0, asked, -1)


def list_codes(journeys: Journeys, group: Group) -> tuple[np.ndarray, np.ndarray]:
    """List the codes of a group's steps, and which of them can be missed: measurable or the sale,
    and not optional."""
    steps = journeys.steps
    ids = group.path or steps.before_sale
    codes = np.array([steps.ids.index(i) for i in ids])
    must = np.array([not (steps[i].optional or i in group.optional) for i in ids])
    return codes, must & (journeys.measurable[codes] | (codes == steps.ids.index(steps.won)))


def find_stage_step(steps: Steps, stage: str | None) -> str | None:
    """Which step does the steps file say a stage is meant to show: with its pipeline, or without?

    Examples
    --------
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", stages={"Sent": "pay"})
    >>> find_stage_step(steps, "Retail / Sent")
    'pay'
    """
    if not isinstance(stage, str):
        return None
    return steps.stages.get(stage) or steps.stages.get(stage.rpartition(PIPELINE_MARK)[2])


def mark_pipelines(leads: pd.DataFrame) -> np.ndarray:
    """What to write before each lead's stage, (n_leads,): its pipeline, where there are several."""
    if "pipeline" not in leads or leads["pipeline"].nunique() < 2:
        return np.full(len(leads), "", dtype=object)
    named = leads["pipeline"].astype("str")
    return (named + PIPELINE_MARK).where(leads["pipeline"].notna(), "").to_numpy(object)


def _last_stage(log: EventLog, journeys: Journeys) -> pd.Series:
    """The stage of the CRM that each lead stood in last: by its moves, else by the leads table."""
    stage = journeys.leads["stage"].astype("str")
    is_move = log.events["action"].cat.categories.str.startswith(STAGE_PREFIX)
    if is_move.any():
        moves = log.events[is_move[log.events["action"].cat.codes]]
        names = moves["action"].astype("str").str.removeprefix(STAGE_PREFIX)
        last = names.groupby(moves["lead_id"].astype("str")).last()
        stage = journeys.leads["lead_id"].map(last).astype("str").fillna(stage)
    known = stage.notna() & (stage != "")
    return (mark_pipelines(journeys.leads) + stage.astype(object)).where(known, stage).astype("str")
