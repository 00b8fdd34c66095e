"""What is wrong or odd in a log, whatever its steps are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.checked import find_lines
from funnel_lib.core.events import ACTORS, UNUSABLE, EventLog, lead_codes, note_checks, show_rows
from funnel_lib.core.journeys import name_actions
from funnel_lib.core.steps import STEPS_FILE, Steps
from funnel_lib.core.times import (
    DAY,
    MINUTE,
    NEVER,
    end_of_days,
    has_clock_times,
    is_near,
    to_micros,
)

# Rows that a reader leaves out as they hold no event, or one that stands elsewhere, too.
EXPECTED = ("where", "planned", "told_twice", "same_stage", "other_changes", "deleted_deal",
            "deleted_activity", "lone_text")  # fmt: skip
# A deal with such an event was a lead before: its first events are older than the deal.
BEFORE_DEALS = ("lead_created", "became_lead")
# Bulk edits: this many leads with the same action in the same minute look like a script's work.
BULK_LEADS = 50


def check_asks(log: EventLog, steps: Steps, path: str) -> pd.DataFrame:
    """Which of a steps file's `asked_by` are a client's own acts, by line of the file?"""
    by_client = (log.events["actor"] == ACTORS[0]).to_numpy()
    lines, n_rows, found = find_lines(path, STEPS_FILE) if path else {}, 0, []
    for i, step in enumerate(steps.steps):
        for j, rule in enumerate(step.asked_by):
            if n := (by_client & name_actions(log, (rule.action,))).sum():
                line = lines.get(("steps", i, "asked_by", j))
                where = f"line {line}: " if line else ""
                found.append(f"{where}{step.id}: {rule.action} ({n})")
                n_rows += n
    row = ("asked_by_client", n_rows, len(by_client), "warning", ", ".join(found))
    return note_checks([row])


def check_log(log: EventLog) -> pd.DataFrame:
    """What is wrong or odd in a log: removed rows, impossible dates, gaps, bulk edits?

    Shares are of the event rows read, or of the leads; severity is info, warning or error; up to
    three examples are shown, the same whatever the order of the rows.

    Examples
    --------
    >>> day, next_day = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02")
    >>> events = pd.DataFrame({"lead_id": ["a"], "at": [day], "action": ["x"], "actor": ["client"]})
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"], "created_at": [next_day, None]})
    >>> check_log(build_log(events, leads))[["check", "n_rows"]].values.tolist()
    [['events_before_created', 1], ['leads_without_events', 1]]
    """
    removed = [
        (r.reason, r.rows, log.rows_read if r.table == "events" else len(log.leads) + r.rows,
         "error" if r.reason in UNUSABLE else "info" if r.reason in EXPECTED else "warning",
         r.examples)
        for r in log.removed.itertuples() if r.rows
    ]  # fmt: skip
    return pd.concat(
        [note_checks(removed), log.noticed, _check_events(log), _check_leads(log)],
        ignore_index=True,
    )


def _check_events(log: EventLog) -> pd.DataFrame:
    events, leads = log.events[["lead_id", "at", "action", "actor"]], log.leads
    lead = lead_codes(log)
    created = leads["created_at"].copy()
    created.iloc[lead[events["action"].isin(BEFORE_DEALS)]] = pd.NaT
    early = np.zeros(len(events), bool)
    if created.notna().any():
        early = np.asarray(events["at"].array < created.array.take(lead))
    no_row = np.zeros(len(events), bool)
    if leads["has_row"].any():
        no_row = ~leads["has_row"].to_numpy()[lead]
    no_actor = events["actor"].isna().to_numpy()
    bulk = _bulk_edits(events)
    base = log.rows_read
    return note_checks([
        ("events_before_created", early.sum(), base, "warning", show_rows(events[early])),
        ("events_without_lead_row", no_row.sum(), base, "warning", show_rows(events[no_row])),
        ("actor_unknown", no_actor.sum(), base, "info", show_rows(events[no_actor])),
        ("bulk_edits", bulk.sum(), base, "warning", show_rows(events[bulk])),
    ])  # fmt: skip


def _bulk_edits(events: pd.DataFrame) -> np.ndarray:
    """Events whose action befell `BULK_LEADS` or more leads in one minute; dates without a time of
    day say nothing of minutes."""
    at = to_micros(events["at"])
    if not len(at) or (at.min() < at.max() and not has_clock_times(at)):
        return np.zeros(len(events), bool)
    action, lead = (events[c].cat.codes.to_numpy() for c in ("action", "lead_id"))
    together = at // MINUTE
    near = np.flatnonzero(is_near(lead, together))
    together -= together.min()
    together *= len(events["action"].cat.categories)
    together += action
    if together.max() > 4 * len(together):
        together = pd.factorize(together)[0]
    together = together.astype(np.int32)
    timed = at % DAY > 0
    once = timed.copy()  # of what befell a lead several times in a minute the last
    pairs = pd.DataFrame({"lead": lead[near], "together": together[near]})
    once[near[pairs.duplicated(keep="last")]] = False
    n_leads = np.bincount(together[once], minlength=together.max() + 1)
    return timed & (n_leads >= BULK_LEADS)[together]


def _check_leads(log: EventLog) -> pd.DataFrame:
    leads = log.leads
    with_events = np.zeros(len(leads), bool)
    with_events[lead_codes(log)] = True
    closed, created = (to_micros(leads[c]) for c in ("closed_at", "created_at"))
    impossible = (end_of_days(closed) < created) & (created < NEVER)
    ended = leads["status"].isin(["won", "lost"]).to_numpy()
    undated = ended & leads["closed_at"].isna().to_numpy()
    no_amount = leads["amount"].isna().to_numpy() & leads["amount"].notna().any()
    currencies = sorted(leads["currency"].dropna().unique())
    several = len(currencies) > 1
    base = len(leads)
    return note_checks([
        ("leads_without_events", (~with_events).sum(), base, "warning",
         show_rows(leads.loc[~with_events, ["lead_id"]])),
        ("closed_before_created", impossible.sum(), base, "warning", show_rows(leads[impossible])),
        ("closed_without_date", undated.sum(), base, "warning",
         show_rows(leads.loc[undated, ["lead_id"]])),
        ("leads_without_amount", no_amount.sum(), base, "info",
         show_rows(leads.loc[no_amount, ["lead_id"]])),
        ("several_currencies", len(leads) if several else 0, base, "warning",
         ", ".join(currencies)),
    ])  # fmt: skip
