"""`EventLog`: what happened to which lead and when, checked once, with nothing dropped silently."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnel_lib.core.errors import CONTROLS, InputError, quote_some
from funnel_lib.core.html import Card
from funnel_lib.core.ordering import as_category, is_sorted, is_tied, order_packed
from funnel_lib.core.times import NEVER, find_last_day, to_micros
from funnel_lib.core.words import find_shown_words

EVENT_COLUMNS = ("lead_id", "at", "action", "actor")
ACTORS = ("client", "manager", "system")
STATUSES = ("won", "lost", "open")
LEAD_COLUMNS = (
    "lead_id", "created_at", "status", "closed_at", "amount", "currency", "manager", "team",
    "product", "source", "loss_reason", "account_id", "stage",
)  # fmt: skip
# These decide about outcomes and money: of an event they are its own (a form's "success", the price
# of what was looked at), and the lead's only where the user says so.
OUTCOMES = ("status", "closed_at", "amount")
CONTACT = "contact_key"  # of leads: which client, by phone, e-mail or contact; never written
_ACTOR_WORDS = {
    "клиент": "client", "покупатель": "client", "заказчик": "client", "customer": "client",
    "buyer": "client", "менеджер": "manager", "сотрудник": "manager", "продавец": "manager",
    "sales": "manager", "sales rep": "manager", "система": "system", "автоматизация": "system",
    "automation": "system", "workflow": "system",
}  # fmt: skip
STAGE_PREFIX = "stage: "
_MOVE = r"^\s*stage:\s+"
# Rows of these kinds cannot be used at all; more than this share of them is refused.
UNUSABLE = ("broken_row", "no_lead", "no_time", "unreadable_time", "no_action")
MOST_UNUSABLE = 0.1
MOST_ACTIONS = 8  # on a card
SILENT_DAYS = 30  # an open lead without any event for so long is silent

_LEAD_DTYPES = {
    "created_at": "datetime64[us, UTC]", "closed_at": "datetime64[us, UTC]", "amount": "float64",
}  # fmt: skip
SOURCE_COLUMNS = ["file", "crm", "kind", "n_rows", "told_by"]
_CHECK_COLUMNS = ["check", "n_rows", "share_of_rows", "severity", "example"]


@dataclass(frozen=True, repr=False)
class EventLog(Card):
    """A checked event log.

    Attributes
    ----------
    events : frame, one row an event, ordered by lead, time, action:
        lead_id (categorical, categories = leads.lead_id), at (UTC), action (categorical),
        actor (client, manager, system or missing), then further columns as they came
    leads : frame, one row a lead, ordered by lead_id: the columns of `LEAD_COLUMNS`, then further
        ones; status is missing where no leads table gives it. Leads of one client, by phone,
        e-mail or the CRM's contact, have the same ``contact_key``, a number; no table has it
    observed_until : when the export was made; nothing later is known
    removed : frame (table, reason, rows, examples): what was left out of events or leads and why
    rows_read : rows of the event tables as read; always len(events) + removed event rows
    noticed : frame (check, n_rows, share_of_rows, severity, example): what the reader noticed
    assumed : words for what nobody gave and was assumed, e.g. ``observed_until``, ``time_zone``
    sources : frame (file, crm, kind, n_rows, told_by): as what each file was read, and which of
        its columns showed that
    lead_columns : which columns of events are the lead's, and how, as of `build_log`
    stage_ends : what moves to a stage of the CRM were known to mean: won, lost or open
    stage_ranks : where stages stand in the CRM, by their probability or their place there
    """

    events: pd.DataFrame
    leads: pd.DataFrame
    observed_until: pd.Timestamp
    removed: pd.DataFrame
    rows_read: int
    noticed: pd.DataFrame = field(default_factory=lambda: note_checks([]))
    assumed: tuple[str, ...] = ()
    sources: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SOURCE_COLUMNS))
    lead_columns: dict[str, str] = field(default_factory=dict)
    stage_ends: dict[str, str] = field(default_factory=dict)
    stage_ranks: dict[str, float] = field(default_factory=dict)

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its card."""
        words, at = find_shown_words(), self.events["at"]
        counts = {"events": len(self.events), "leads": len(self.leads), "rows": self.rows_read}
        told = words.text(
            "card.log_told", since=at.min(), until=at.max(), observed_until=self.observed_until,
            removed=self.rows_read - len(self.events), **counts,
        )  # fmt: skip
        actions = self.events["action"].value_counts().head(MOST_ACTIONS)
        facts = [(str(action), words.number(n)) for action, n in actions.items() if n]
        return words.text("card.log"), [told], facts


def build_log(
    events: pd.DataFrame,
    leads: pd.DataFrame | None = None,
    observed_until: pd.Timestamp | str | None = None,
    *,
    removed: pd.DataFrame | None = None,
    noticed: pd.DataFrame | None = None,
    assumed: tuple[str, ...] = (),
    sources: pd.DataFrame | None = None,
    modified: pd.Series | None = None,
    lead_columns: dict[str, str] | None = None,
) -> EventLog:
    """Check events and leads and put them in order.

    Events need lead_id, at (UTC where without a zone), action and, where known, actor; columns of
    `LEAD_COLUMNS` found there go to the leads (the last known value of each; leads of several are
    noticed), but for `OUTCOMES`: these are the event's own, unless `lead_columns` says which known
    value is the lead's (``{"status": "last"}``, or "first"; of "sum" see `journeys.sum_sales`).
    `observed_until` is when the export was made; not given, the last time in the data, also of
    `modified`, when leads
    were last changed. A handful of stamps far behind all others (`times.find_last_day`) is no
    export then, and counts for nothing: such events are removed, such dates of leads unknown. Rows
    without lead, time or action, exact duplicates and events after the export are removed and
    counted; a lead closed after it is open. The rest is what a reader left out, noticed, assumed
    and read before.

    Raises `InputError` where a column is missing, no usable row is left, or `observed_until` is
    before the data begins.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["b", "a", "a", "a", None],
    ...     "at": pd.to_datetime(["2025-01-02", "2025-01-03", *["2025-01-01"] * 2, "2025-01-05"]),
    ...     "action": ["request", "paid", "request", "request", "paid"]}))
    >>> log.events[["lead_id", "action"]].values.tolist()
    [['a', 'request'], ['a', 'paid'], ['b', 'request']]
    >>> log.removed[["reason", "rows"]].values.tolist()
    [['no_lead', 1], ['duplicate', 1]]
    """
    _check_columns(events, leads)
    lead_columns = lead_columns or {}
    own = [c for c in OUTCOMES if c in events and lead_columns.get(c) not in ("first", "last")]
    apart, events = events[own], events.drop(columns=own)  # cells of any type
    events = _with_types(events).assign(**{f"{c} of the event": apart[c] for c in own})
    leads = None if leads is None else _with_types(leads)
    parts = [removed if removed is not None else note_removed([])]
    events = _drop_unusable(events, parts)
    if events.empty:
        raise InputError(["events: no row has a lead, a readable time and an action"])
    noticed = [] if noticed is None else [noticed]
    if observed_until is None:
        assumed = (*assumed, "observed_until")
        events, leads, until = _leave_out_far(events, leads, modified, parts, noticed)
    else:
        until = _read_observed_until(events, observed_until)
        late = (events["at"] > until).to_numpy()
        parts.append(note_removed([("events", "after_observed_until", late, events)]))
        events = _keep(events, ~late)
    events = _in_order(events, parts)
    events, of_events = _split_lead_columns(events, lead_columns, noticed)
    events = events.rename(columns={f"{c} of the event": c for c in own})
    table = _close(_join_leads(_one_row_a_lead(leads, until, parts), of_events), until)
    events = _finish_columns(events, table["manager"])
    removed = pd.concat(parts, ignore_index=True)
    rows_read = len(events) + int(removed.loc[removed["table"] == "events", "rows"].sum())
    noticed = pd.concat(noticed, ignore_index=True) if noticed else note_checks([])
    given = {"lead_columns": lead_columns} | ({} if sources is None else {"sources": sources})
    return EventLog(
        events, table.reset_index(), until, removed, rows_read, noticed, assumed, **given
    )


def note_checks(rows: list[tuple]) -> pd.DataFrame:
    """Put (check, n_rows, base, severity, example) tuples into a quality table without zeros."""
    kept = [
        (check, int(n), n / base if base else np.nan, severity, example)
        for check, n, base, severity, example in rows
        if n
    ]
    return pd.DataFrame(kept, columns=_CHECK_COLUMNS)


def note_removed(rows: list[tuple]) -> pd.DataFrame:
    """Put (table, reason, mask, frame) tuples into a removed table, with examples."""
    kept = [
        (table, reason, int(mask.sum()), show_rows(frame, mask))
        for table, reason, mask, frame in rows
        if mask.any()
    ]
    return pd.DataFrame(kept, columns=["table", "reason", "rows", "examples"])


def show_rows(frame: pd.DataFrame, where: np.ndarray | None = None, most: int = 3) -> str:
    """Show a few rows, of those marked, the same ones whatever their order: 'a · 2025 · y; b · — ·
    x'."""
    shown = [c for c in ("lead_id", "at", "action", "created_at", "closed_at") if c in frame]
    rows = np.arange(len(frame)) if where is None else np.flatnonzero(where)
    if not shown or not len(rows):
        return ""
    if len(rows) > 10_000:  # the smallest lead ids are enough, and quick to find
        keys = as_category(frame[shown[0]].iloc[rows])
        rows = rows[np.where(keys.codes < 0, len(keys.categories), keys.codes) < most]
    frame = frame[shown].iloc[rows]
    spare = frame.select_dtypes("category").columns.intersection(shown)
    frame = frame.assign(**{c: frame[c].cat.remove_unused_categories() for c in spare})
    text = frame.astype(object).where(frame.notna(), "—").astype(str)
    return "; ".join(sorted(set(text.agg(" · ".join, axis=1)))[:most])


def show_values(cells: pd.Series, most: int = 3) -> str:
    """Show a few values of a column, the same ones whatever their order: 'a, b'."""
    return ", ".join(sorted(cells.dropna().astype("str").unique())[:most])


def lead_codes(log: EventLog) -> np.ndarray:
    """Position of each event's lead in `log.leads`, shape (n_events,)."""
    return log.events["lead_id"].cat.codes.to_numpy()


def _as_utc(times: pd.Series) -> pd.Series:
    if times.dtype == "datetime64[us, UTC]":
        return times
    times = pd.to_datetime(times)
    zoned = times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    return zoned.astype("datetime64[us, UTC]")


def _check_columns(events: pd.DataFrame, leads: pd.DataFrame | None) -> None:
    problems = []
    asked = {"events": (events, ("lead_id", "at", "action")), "leads": (leads, ("lead_id",))}
    for name, (frame, columns) in asked.items():
        missing = [] if frame is None else [c for c in columns if c not in frame]
        if missing:
            found = quote_some(frame.columns, most=12)
            problems.append(f"{name}: no column {' and '.join(missing)}; found {found}")
    if problems:
        raise InputError(problems)


def _with_types(frame: pd.DataFrame) -> pd.DataFrame:
    dates = {c: _as_utc(frame[c]) for c in ("at", "created_at", "closed_at") if c in frame}
    numbers = {c: pd.to_numeric(frame[c]) for c in ("amount",) if c in frame}
    return frame.assign(**dates, **numbers)


def _drop_unusable(events: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    no_lead = events["lead_id"].isna().to_numpy()
    no_time = events["at"].isna().to_numpy() & ~no_lead
    no_action = events["action"].isna().to_numpy() & ~no_lead & ~no_time
    kinds = [("no_lead", no_lead), ("no_time", no_time), ("no_action", no_action)]
    parts.append(note_removed([("events", reason, mask, events) for reason, mask in kinds]))
    return _keep(events, ~(no_lead | no_time | no_action))


def _keep(rows: pd.DataFrame, keep: np.ndarray) -> pd.DataFrame:
    """The rows to keep; no copy where all are kept."""
    return rows if keep.all() else rows[keep]


def _in_order(events: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Order events by lead, time and action, with lead and action as categories, and drop repeated
    rows; only events in order with the same lead, time and action can be any."""
    with ThreadPoolExecutor() as pool:
        lead, action = pool.map(as_category, (events["lead_id"], events["action"]))
    action = _name_moves(action)
    events = events.assign(lead_id=lead, action=action)
    at = events["at"].astype("int64").to_numpy()
    order = order_packed(lead.codes, at, action.codes)
    events = events if is_sorted(order) else events.take(order)
    near = np.flatnonzero(is_tied(events, ["lead_id", "at", "action"]))
    alike = events.take(near)
    again = alike.duplicated().to_numpy()
    parts.append(note_removed([("events", "duplicate", again, alike)]))
    if again.any():
        events = events.take(np.delete(np.arange(len(events)), near[again]))
    return events.reset_index(drop=True)


def _name_moves(actions: pd.Categorical) -> pd.Categorical:
    """The same with moves written in one way, whatever blanks stand around a stage's name, and
    without what is no text."""
    names = actions.categories.to_series().astype("str")
    tidy = names.str.replace(CONTROLS, "", regex=True).str.replace(_MOVE, STAGE_PREFIX, regex=True)
    tidy = tidy.where(~tidy.str.startswith(STAGE_PREFIX), tidy.str.rstrip())
    if (tidy == names).all():
        return actions
    known = as_category(tidy)
    return pd.Categorical.from_codes(np.append(known.codes, -1)[actions.codes], dtype=known.dtype)


def _read_observed_until(events: pd.DataFrame, given: pd.Timestamp | str) -> pd.Timestamp:
    begins, until = events["at"].min(), _as_utc(pd.Series([given]))[0]
    if until < begins:
        zone = pd.Timestamp(given).tzinfo or "UTC"
        days = [f"{moment.tz_convert(zone):%Y-%m-%d}" for moment in (until, begins)]
        raise InputError([
            f"observed_until {days[0]} lies before the data begins ({days[1]}); "
            "give the day on which the export was made"
        ])  # fmt: skip
    return until


def _list_stamps(events, leads, modified) -> tuple[pd.Series, pd.Series]:
    """Which times tell when the export was made: (acts, creations and modifications; closings).

    What an open lead has as its closing is a plan.
    """
    frames = [frame for frame in (events, leads) if frame is not None]
    acts = [events["at"], *(f["created_at"].drop_duplicates() for f in frames if "created_at" in f)]
    acts += [] if modified is None else [_as_utc(modified)]
    closings = [
        frame.loc[frame["status"].isin(STATUSES[:2]), "closed_at"]
        for frame in frames
        if {"closed_at", "status"} <= {*frame}
    ]
    none = events["at"].iloc[:0]
    return pd.concat(acts) if acts[1:] else acts[0], pd.concat([*closings, none])


def _leave_out_far(events, leads, modified, parts: list, noticed: list):
    """Take stamps that lie far behind all others out of (events, leads): acts are left out and
    counted, dates of leads are unknown. Returns the last moment of the rest, too."""
    acts, closings = _list_stamps(events, leads, modified)
    last = find_last_day(to_micros(acts), to_micros(closings))
    if last < NEVER:
        end = pd.Timestamp(last, unit="us", tz="UTC")
        far = (events["at"] >= end).to_numpy()
        parts.append(note_removed([("events", "act_far_from_others", far, events)]))
        events = _without_far_dates(_keep(events, ~far), end, noticed)
        leads = None if leads is None else _without_far_dates(leads, end, noticed)
        acts, closings = acts[acts < end], closings[closings < end]
    return events, leads, max(t for t in (acts.max(), closings.max()) if pd.notna(t))


def _without_far_dates(frame: pd.DataFrame, end: pd.Timestamp, noticed: list) -> pd.DataFrame:
    """The same with the dates of leads at `end` or later missing; what an open lead has as its
    closing is a plan, and no such date."""
    dates = [c for c in ("created_at", "closed_at") if c in frame]
    is_far = pd.DataFrame({c: frame[c] >= end for c in dates}, index=frame.index)
    if "closed_at" in dates and "status" in frame:
        is_far["closed_at"] &= frame["status"].isin(STATUSES[:2])
    rows = frame[is_far.any(axis=1)]
    if rows.empty:
        return frame
    found = ("date_far_from_others", len(rows), len(frame), "warning", show_rows(rows))
    noticed.append(note_checks([found]))
    return frame.assign(**{c: frame[c].mask(is_far[c]) for c in dates})


def _one_row_a_lead(leads, until, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The leads table by lead, without unusable and repeated rows; of differing repeats the first
    known value in content order, so that the order of the rows does not matter."""
    if leads is None:
        return pd.DataFrame(index=pd.Index([], dtype="str"))
    no_lead = leads["lead_id"].isna().to_numpy()
    late = np.zeros(len(leads), bool)
    if "created_at" in leads:
        late = (leads["created_at"] > until).to_numpy() & ~no_lead
    parts.append(
        note_removed([
            ("leads", "lead_row_without_id", no_lead, leads),
            ("leads", "lead_created_after_observed_until", late, leads),
        ])
    )  # fmt: skip
    leads = leads[~(no_lead | late)]
    leads = leads.assign(lead_id=leads["lead_id"].astype("str"))
    if leads["lead_id"].duplicated().any():
        leads = leads.sort_values(list(leads.columns), kind="stable")
        again = leads["lead_id"].duplicated().to_numpy()
        parts.append(note_removed([("leads", "lead_row_repeated", again, leads)]))
        leads = leads.groupby("lead_id", sort=True, as_index=False).first()
    return leads.set_index("lead_id")


def _split_lead_columns(events: pd.DataFrame, how: dict[str, str], noticed: list):
    """Take the lead's own columns out of events in order: by lead, the last known value of each, of
    several at one time the largest; or the first, where `how` says so. Leads of which events say
    different things are noted."""
    own = [c for c in LEAD_COLUMNS[1:] if c in events]
    order = np.arange(len(events))
    if own:
        tied = np.flatnonzero(is_tied(events, ["lead_id", "at"]))
        cells = events.loc[tied, ["lead_id", "at", *own]]
        order[tied] = cells.sort_values(list(cells), kind="stable", na_position="first").index
    lead = events["lead_id"].cat.codes.to_numpy()
    ids = events["lead_id"].cat.categories
    known = pd.DataFrame(index=ids)
    for column in own:
        cells = events[column].take(order)
        rows = np.flatnonzero(cells.notna())
        changed = pd.factorize(cells.iloc[rows])[0]
        differ = lead[rows][1:][(np.diff(changed) != 0) & (np.diff(lead[rows]) == 0)]
        found = ("events_differ", len(np.unique(differ)), len(ids), "info", column)
        noticed.append(note_checks([found]))
        ends = {"append": -1} if how.get(column) != "first" else {"prepend": -1}
        rows = rows[np.flatnonzero(np.diff(lead[rows], **ends))]  # one row of each lead
        known[column] = cells.iloc[rows].set_axis(lead[rows]).reindex(range(len(ids))).array
    return events.drop(columns=own), known


def _join_leads(table: pd.DataFrame, of_events: pd.DataFrame) -> pd.DataFrame:
    """Join the leads table and what the events say of leads; the leads table wins."""
    joined = of_events.assign(has_row=False)
    if len(table.columns):
        ids = of_events.index.union(table.index)
        there = table.index.get_indexer(ids) >= 0  # `isin` of texts takes thirty times as long
        joined = table.reindex(ids).assign(has_row=there)
        for column, known in of_events.reindex(ids).items():
            joined[column] = joined[column].fillna(known) if column in joined else known
    own = LEAD_COLUMNS[1:]
    nothing = {d: pd.Series(index=joined.index, dtype=d) for d in {"str", *_LEAD_DTYPES.values()}}
    lacking = {c: nothing[_LEAD_DTYPES.get(c, "str")] for c in own if c not in joined}
    joined = joined.assign(**lacking)
    joined = joined[[*own, *(c for c in joined if c not in own)]]
    return joined.rename_axis("lead_id")


def _close(leads: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """A lead closed after `observed_until` is open; an open lead has no closing time."""
    if not leads["status"].notna().any():
        return leads
    closed_later = (leads["closed_at"] > until) & leads["status"].isin(["won", "lost"])
    status = leads["status"].mask(closed_later, "open")
    return leads.assign(status=status, closed_at=leads["closed_at"].mask(status == "open"))


def _finish_columns(events: pd.DataFrame, managers: pd.Series) -> pd.DataFrame:
    """Give the events the leads there are as categories, and the actors."""
    if len(managers) > len(events["lead_id"].cat.categories):
        events = events.assign(lead_id=events["lead_id"].cat.set_categories(managers.index))
    events = events.assign(actor=_actors(events, managers))
    first = ["lead_id", "at", "action", "actor"]
    return events[[*first, *(c for c in events if c not in first)]]


def _actors(events: pd.DataFrame, managers: pd.Series) -> pd.Categorical:
    """Who acted: by the words for it, or a name that stands among those of the leads' managers."""
    if "actor" not in events:
        return pd.Categorical.from_codes(np.full(len(events), -1), categories=ACTORS)
    told = events["actor"]
    told = told.array if isinstance(told.dtype, pd.CategoricalDtype) else as_category(told)
    managers = pd.Series(managers.unique()).dropna().astype("str")
    names = dict.fromkeys(managers.str.casefold(), "manager")
    meant = names | _ACTOR_WORDS
    words = told.categories.astype("str").str.casefold().map(lambda word: meant.get(word, word))
    known = pd.Index(ACTORS).get_indexer(words)
    known = np.append(known, -1).astype(np.int8)  # what is missing is coded -1
    return pd.Categorical.from_codes(known[told.codes], categories=ACTORS)
