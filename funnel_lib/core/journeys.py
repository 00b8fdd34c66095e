"""`Journeys`: each lead's client steps, sorted and packed once, for counting on arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_lib.core.events import ACTORS, STATUSES, EventLog, lead_codes, note_checks, show_rows
from funnel_lib.core.evidence import (
    check_actions,
    match_asks,
    match_evidence,
    match_other_deals,
    name_actions,
)
from funnel_lib.core.html import Card
from funnel_lib.core.ordering import order_packed
from funnel_lib.core.steps import Steps
from funnel_lib.core.tables import write_codes
from funnel_lib.core.times import (
    DAY,
    MISSING,
    NEVER,
    end_of_days,
    first_at,
    has_clock_times,
    last_at,
    read_window,
    to_micros,
)
from funnel_lib.core.words import find_shown_words

_FEWEST_SOLD = 5  # leads with the sale, to say that their statuses contradict it


@dataclass(frozen=True, repr=False)
class Journeys(Card):
    """What each lead's client did, and what the manager did to help.

    `leads` has the log's columns with every status known, entered_at (earliest evidence of a step
    before the sale) and sold_at (of won leads: the sale). Evidence is ordered by lead, time, step;
    an event that shows two steps stands there twice.
    """

    steps: Steps
    leads: pd.DataFrame
    offsets: np.ndarray  # (n_leads + 1,) lead i owns evidence offsets[i] to offsets[i + 1]
    step: np.ndarray  # (n_evidence,) positions in steps.ids
    at: np.ndarray  # (n_evidence,) microseconds
    self_reported: np.ndarray  # (n_evidence,) whether it is only the manager's word
    ask_lead: np.ndarray  # (n_asks,) of the manager's actions that ask for a step
    ask_kind: np.ndarray  # (n_asks,) rows of ask_sets: for which steps each asks
    ask_at: np.ndarray
    ask_sets: np.ndarray  # (n_kinds, n_steps) whether asks of a kind ask for a step
    measurable: np.ndarray  # (n_steps,) whether the log has any evidence of the step
    has_sales: bool  # whether any lead of the log was won, or shows the sale
    observed_until: pd.Timestamp  # when the export was made
    quality: pd.DataFrame  # as of `check_log`: what evidence and status show together
    time_zone: str = "UTC"  # of the user: days, months and quarters are cut in it
    n_parts: int = 1  # so many parts of the leads are counted one after the other, and added
    # What was found of these journeys, kept for who asks again; others, made of them, begin anew.
    kept: dict = field(default_factory=dict, init=False, compare=False)

    @property
    def lead(self) -> np.ndarray:
        """Lead code of each piece of evidence, (n_evidence,)."""
        if "lead" not in self.kept:
            leads = np.arange(len(self.leads), dtype=np.min_scalar_type(-len(self.leads) - 1))
            self.kept["lead"] = np.repeat(leads, np.diff(self.offsets))
        return self.kept["lead"]

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its card."""
        words = find_shown_words()
        status = self.leads.loc[self.leads["entered_at"].notna(), "status"].value_counts()
        counts = {name: status.get(name, 0) for name in ("won", "lost", "open")}
        told = words.text(
            "card.journeys_told", leads=len(self.leads), entered=status.sum(), **counts
        )
        n_steps = len(self.steps.ids)
        shown = np.bincount(
            np.unique(self.lead.astype(np.int64) * n_steps + self.step) % n_steps, minlength=n_steps
        )
        names = self.steps.names(words.lang)
        facts = [(names[s], words.number(n)) for s, n in zip(self.steps.ids, shown, strict=True)]
        return words.text("card.journeys"), [told], facts


def build_journeys(log: EventLog, steps: Steps) -> Journeys:
    """Find the evidence of each step in a log, and each lead's outcome.

    Status comes from the leads table, else from evidence: the sale's, or an action under `lost:`
    (closed at the last one; a sale outweighs it, and where the client acts later, or shows a step a
    day later, it is open again);
    else the lead is open. An open one without any event for `Steps.lead_lost_after` is lost from
    then on. Left out and counted in `quality` are evidence of the sale on a lost
    lead, and what shows a step before the sale after the lead was lost, where actions that the
    steps do not know and steps without evidence stand, too. A won lead was
    sold at its first evidence of the sale or when it was closed, whichever came first; where
    neither is known, at its last event.
    Cost: linear in events, but for evidence from other deals, quadratic in an account's deals.
    Raises `InputError` where globs of two steps claim the same action of the log.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a", "b"], "action": ["ask", "pay", "ask"],
    ...                               "at": pd.date_range("2025-01-01", periods=3)}))
    >>> journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay"))
    >>> journeys.leads["status"].tolist(), journeys.step.tolist(), journeys.offsets.tolist()
    (['won', 'open'], [0, 1, 0], [0, 2, 3])
    """
    rows, codes = match_evidence(log, steps)
    lead, at = lead_codes(log)[rows], to_micros(log.events["at"])[rows]
    reported = name_actions(log, steps.self_reported)[rows]
    sale = steps.ids.index(steps.won)
    acts = (log.events["actor"] == ACTORS[0]).to_numpy(copy=True)
    acts[rows[~reported]] = True
    sales = np.flatnonzero(codes == sale)
    leads, status, reopened, given_up = _resolve_status(log, steps, acts, lead[sales], at[sales])
    is_lost = status == STATUSES.index("lost")
    ended = np.where(is_lost, to_micros(leads["closed_at"]), NEVER)
    told = code_statuses(log.leads["status"]) >= 0  # else an action ends a lead, and others with it
    until = np.where(told | (ended == NEVER), ended, ended + DAY - 1)
    left_out = (codes < len(steps.before_sale)) & (codes != sale) & (at > until[lead])
    late = rows[left_out]
    left_out[sales] = is_lost[lead[sales]]
    quality = [
        _check_sales(leads, status, lead[sales]),
        _check_closing(log, leads[["lead_id"]], np.minimum(ended, reopened), reopened, acts, late),
        note_checks(
            [
                (
                    "silent_is_lost",
                    given_up.sum(),
                    len(leads),
                    "info",
                    show_rows(leads[["lead_id"]], given_up),
                ),
            ]
        ),
    ]
    if told.any():
        quality.append(_check_won(leads, lead[sales], steps))
    other = match_other_deals(log, steps, leads, rows[left_out])
    if left_out.any() or len(other[0]):
        lead, at, codes, reported = (
            np.concatenate([part[~left_out], more])
            for part, more in zip((lead, at, codes, reported), other, strict=True)
        )
    lead, at, codes, reported = _in_order(lead, at, codes, reported)
    before = codes < len(steps.before_sale) if steps.after_sale else slice(None)
    entered = first_at(lead[before], at[before], len(leads))
    leads = leads.assign(entered_at=_to_times(entered))
    ask_lead, ask_kind, ask_at, ask_sets = match_asks(log, steps)
    measurable = np.bincount(codes, minlength=len(steps.ids)) > 0
    has_sales = bool(measurable[sale] or (status == STATUSES.index("won")).any())
    quality += [
        check_actions(log, steps),
        _check_steps(steps, measurable),
        _check_entry(leads, lead, at, codes, steps),
    ]
    return Journeys(
        steps, leads, np.append(0, np.cumsum(np.bincount(lead, minlength=len(leads)))), codes, at,
        reported, ask_lead, ask_kind, ask_at, ask_sets,
        measurable, has_sales, log.observed_until, pd.concat(quality, ignore_index=True),
    )  # fmt: skip


def sum_sales(log: EventLog, steps: Steps) -> EventLog:
    """Give each lead the sum of the amounts of its sale's events, where ``lead_columns`` of the log
    say so; a lead without any has none.

    Examples
    --------
    >>> events = pd.DataFrame({"lead_id": ["a"] * 3, "action": ["look", "pay", "pay"],
    ...                        "amount": [9000.0, 500.0, 20.0],
    ...                        "at": pd.date_range("2025-01-01", periods=3)})
    >>> log = build_log(events, lead_columns={"amount": "sum"})
    >>> sum_sales(log, Steps(steps=[{"id": "look"}, {"id": "pay"}], won="pay")).leads["amount"]
    0    520.0
    Name: amount, dtype: float64
    """
    if log.lead_columns.get("amount") != "sum" or "amount" not in log.events:
        return log
    rows, codes = match_evidence(log, steps)
    sold = log.events["amount"].iloc[rows[codes == steps.ids.index(steps.won)]]
    lead = lead_codes(log)[sold.index]
    total = pd.to_numeric(sold).groupby(lead).sum(min_count=1).reindex(range(len(log.leads)))
    amount = total.astype("float64").set_axis(log.leads.index)
    return replace(log, leads=log.leads.assign(amount=amount))


def select_leads(journeys: Journeys, keep: np.ndarray) -> Journeys:
    """Keep the journeys of some leads; `keep` is a boolean array (n_leads,)."""
    new_code = np.cumsum(keep) - 1
    counts = np.diff(journeys.offsets)
    mine, asks = np.repeat(keep, counts), keep[journeys.ask_lead]
    counts = counts[keep]
    return replace(
        journeys,
        n_parts=1,
        leads=journeys.leads[keep].reset_index(drop=True),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        step=journeys.step[mine],
        at=journeys.at[mine],
        self_reported=journeys.self_reported[mine],
        ask_lead=new_code[journeys.ask_lead[asks]],
        ask_kind=journeys.ask_kind[asks],
        ask_at=journeys.ask_at[asks],
    )


def find_in_log(log: EventLog, journeys: Journeys) -> np.ndarray:
    """Which of the journeys' leads each lead of the log is, (n_log_leads,); -1 for one left out."""
    if len(log.leads) == len(journeys.leads):  # nobody was left out, and the order is kept
        return np.arange(len(log.leads))
    return pd.Index(journeys.leads["lead_id"]).get_indexer(log.leads["lead_id"])


def code_statuses(status: pd.Series) -> np.ndarray:
    """Positions of statuses in `STATUSES`, (n_leads,); -1 where there is none."""
    codes = pc.index_in(pa.array(status, pa.large_string()), pa.array(STATUSES, pa.large_string()))
    return codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int8)


def _in_order(lead: np.ndarray, at: np.ndarray, code: np.ndarray, *others: np.ndarray):
    """Put evidence in order by lead, time and step. It mostly is, as events are, but for what came
    at one time: then only that is sorted."""
    same = lead[1:] == lead[:-1]
    if (lead[1:] < lead[:-1]).any() or (same & (at[1:] < at[:-1])).any():
        rows, order = slice(None), order_packed(lead, at, code)
    else:
        same &= at[1:] == at[:-1]
        rows = np.flatnonzero(np.append(same, False) | np.append(False, same)[: len(lead)])
        order = rows[order_packed(lead[rows], at[rows], code[rows])]
    arrays = [lead, at, code, *others]
    for array in arrays:
        array[rows] = array[order]
    return arrays


def _to_times(micros: np.ndarray) -> pd.Series:
    known = np.where(micros == NEVER, MISSING, micros)
    return pd.Series(known, dtype="datetime64[us, UTC]", copy=False)


def _resolve_status(log: EventLog, steps: Steps, acts, paid_lead, paid_at):
    """Find every lead's status and when it was won: by the leads table, else by evidence, of
    which that of the sale is given. Its code comes second, (n_leads,); third when those were lost
    that a client's act opened again: `NEVER` for others; and which are lost for nothing but silence
    last.
    """
    n = len(log.leads)
    all_leads, all_at = lead_codes(log), to_micros(log.events["at"])
    paid, last = first_at(paid_lead, paid_at, n), last_at(all_leads, all_at, n)
    gave_up = np.flatnonzero(name_actions(log, steps.lost))
    lost = last_at(all_leads[gave_up], all_at[gave_up], n)
    given = code_statuses(log.leads["status"])
    by_evidence = (given < 0) & (lost > -NEVER) & (paid == NEVER)
    reopened = by_evidence & (last > lost)
    if reopened.any():
        later = np.flatnonzero(reopened[all_leads])
        later = later[all_at[later] > lost[all_leads[later]]]
        by_client = (log.events["actor"] == ACTORS[0]).to_numpy()[later]
        # Of whom nothing is told may be the system that finishes its work: not on the same day.
        much_later = acts[later] & (all_at[later] >= lost[all_leads[later]] + DAY)
        reopened = np.zeros(n, bool)
        reopened[all_leads[later[by_client | much_later]]] = True
    gone_for_good = (lost > -NEVER) & ~reopened
    won, lost_, open_ = (STATUSES.index(status) for status in ("won", "lost", "open"))
    status = np.where(paid < NEVER, won, np.where(gone_for_good, lost_, open_))
    closed = np.where(paid < NEVER, paid, np.where(gone_for_good, lost, NEVER))
    if (given >= 0).any():
        status = np.where(given >= 0, given, status)
        closed = np.where(given >= 0, _find_closed(log), closed)
    gone = _find_given_up(log, steps, (status == open_) & (paid == NEVER), last)
    status, closed = np.where(gone < NEVER, lost_, status), np.minimum(closed, gone)
    sold = np.minimum(closed, paid)
    sold = np.where((sold == NEVER) & (last > -NEVER), last, sold)
    sold = np.where(status == won, sold, NEVER)
    leads = log.leads.assign(
        status=write_codes(status, STATUSES), closed_at=_to_times(closed), sold_at=_to_times(sold)
    )
    return leads, status, np.where(reopened, lost, NEVER), gone < NEVER


def _find_given_up(log: EventLog, steps: Steps, still_open: np.ndarray, last) -> np.ndarray:
    """From when on open leads count as lost, as nothing has happened for so long, (n_leads,);
    `NEVER` for others. A lead without events is silent since it was created."""
    span = read_window(steps.lead_lost_after)
    last = np.where(last > -NEVER, last, to_micros(log.leads["created_at"]))
    until = to_micros(pd.Series([log.observed_until]))[0]
    if span == NEVER:
        return np.full(len(last), NEVER)
    return np.where(still_open & (last < until - span), last + span, NEVER)


def _find_closed(log: EventLog) -> np.ndarray:
    """When the leads table says each lead was closed: a mere date beside events that have hours
    means the end of its day, as what was done on that day came before."""
    closed = to_micros(log.leads["closed_at"])
    if not has_clock_times(to_micros(log.events["at"])):
        return closed
    until = to_micros(pd.Series([log.observed_until]))[0]
    return np.where(closed < NEVER, np.minimum(end_of_days(closed), until), NEVER)


def _check_sales(leads: pd.DataFrame, status: np.ndarray, paid: np.ndarray) -> pd.DataFrame:
    has_sale = np.zeros(len(leads), bool)
    has_sale[paid] = True
    lost = has_sale & (status == STATUSES.index("lost"))
    still_open = has_sale & (status == STATUSES.index("open"))
    unseen = (status == STATUSES.index("won")) & ~has_sale
    ids = leads[["lead_id"]]
    return note_checks([
        ("sale_evidence_on_lost", lost.sum(), len(leads), "warning", show_rows(ids, lost)),
        ("sale_evidence_on_open", still_open.sum(), len(leads), "warning",
         show_rows(ids, still_open)),
        ("won_without_evidence", unseen.sum(), len(leads), "warning", show_rows(ids, unseen)),
    ])  # fmt: skip


def _check_closing(log: EventLog, ids: pd.DataFrame, lost, reopened, acts, late):
    """The client's acts after leads were lost, and rows of evidence that come too `late`, by
    events; and leads that were opened again. `lost` and `reopened` are when the leads, and those of
    them, had been lost, `NEVER` for others."""
    owner = lead_codes(log)
    after = acts & (to_micros(log.events["at"]) > lost[owner])
    after[late] = True
    return note_checks([
        ("acts_after_closing", after.sum(), len(after), "warning",
         show_rows(ids.iloc[pd.unique(owner[after])[:4]])),
        ("reopened", (reopened < NEVER).sum(), len(ids), "info",
         show_rows(ids, reopened < NEVER)),
    ])  # fmt: skip


def _check_won(leads: pd.DataFrame, sold: np.ndarray, steps: Steps) -> pd.DataFrame:
    """Leads whose status contradicts the step that is the sale, where most do."""
    has_sale = np.zeros(len(leads), bool)
    has_sale[sold] = True
    not_won = has_sale & (leads["status"] != "won").to_numpy()
    if has_sale.sum() < _FEWEST_SOLD or 2 * not_won.sum() <= has_sale.sum():
        return note_checks([])
    example = f"{steps.won}: {', '.join(leads.loc[not_won, 'lead_id'].head(3).astype('str'))}"
    return note_checks([("won_contradicts", not_won.sum(), len(leads), "warning", example)])


def _check_steps(steps: Steps, measurable: np.ndarray) -> pd.DataFrame:
    dark = [i for i, seen in zip(steps.ids, measurable, strict=True) if not seen]
    row = ("not_measurable", len(dark), len(steps.ids), "warning", ", ".join(dark))
    return note_checks([row])


def _check_entry(leads: pd.DataFrame, lead, at, codes, steps: Steps) -> pd.DataFrame:
    first = first_at(lead[codes == 0], at[codes == 0], len(leads))
    sold = to_micros(leads["sold_at"])
    before = (sold < first) & (first < NEVER)
    out = leads["entered_at"].isna().to_numpy()
    shown = leads.loc[before, ["lead_id", "sold_at"]].rename(columns={"sold_at": "at"})
    shown = shown.assign(action=f"{steps.won} < {steps.ids[0]}")
    return note_checks([
        ("sale_before_first_step", before.sum(), len(leads), "warning",
         show_rows(shown)),
        ("never_entered", out.sum(), len(leads), "info", show_rows(leads[["lead_id"]], out)),
    ])  # fmt: skip
