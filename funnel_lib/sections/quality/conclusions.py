"""What an export holds, and what can and what cannot be concluded from it, before any steps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import SILENT_DAYS, STAGE_PREFIX, EventLog, check_log, lead_codes
from funnel_lib.core.groups import FEWEST_LEADS
from funnel_lib.core.money import check_amounts, split_currencies, take_amounts
from funnel_lib.core.tables import arrange
from funnel_lib.core.words import SMALL, Words
from funnel_lib.counting.moves import mark_pipelines
from funnel_lib.sections.quality.exports import tell_export
from funnel_lib.sections.quality.tell import tell_assumed

SHORT_DAYS = 90  # in less time many leads have not decided
LARGE_PART = 0.05  # a part of leads or events worth a sentence
MOST_NAMES = 10
COMPARED = ("manager", "team", "product", "source")
_SEVERITIES = ("error", "warning", "info")
_CAN, _CANNOT, _CARE = range(3)


def describe_log(log: EventLog) -> dict[str, pd.DataFrame]:
    """What is in an export? The tables `log_totals`, `log_parts`, `log_actions` and `log_stages`,
    by the second half of their names; moves between stages are counted apart from actions.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a", "b"], "at": "2025-01-01",
    ...                               "action": ["call", "stage: New", "call"],
    ...                               "actor": ["client", "manager", None]}))
    >>> tables = describe_log(log)
    >>> tables["actions"].values.tolist()
    [['call', 'client', 2, 1.0, 2]]
    >>> tables["stages"].values.tolist()
    [['New', 1, 1, 1]]
    >>> tables["parts"].query("measure == 'actor'")[["name", "n_rows"]].values.tolist()
    [['client', 1], ['manager', 1], ['', 1]]
    """
    currency, names = split_currencies(log.leads)
    parts = {
        "actor": log.events["actor"].astype("str"),
        "status": log.leads["status"],
        "currency": pd.Series(np.array(names, object)[currency], dtype="str"),
    }
    is_move = find_moves(log)
    tables = {
        "totals": _count_totals(log, is_move),
        "parts": pd.concat([_count_parts(m, p) for m, p in parts.items()], ignore_index=True),
        "actions": _count_actions(log.events[~is_move]),
        "stages": _count_stages(log.events[is_move], log.leads),
    }
    return {name: arrange(f"log_{name}", table) for name, table in tables.items()}


def list_problems(log: EventLog) -> pd.DataFrame:
    """What is wrong or odd in an export, errors first, then by number of rows?

    As `events.check_log` tells it, and the amounts that do not count as money.
    """
    found = pd.concat([check_log(log), check_amounts(log.leads)], ignore_index=True)
    rank = found["severity"].map({s: n for n, s in enumerate(_SEVERITIES)})
    order = np.lexsort((-found["n_rows"].to_numpy(float), rank))
    return found.iloc[order].reset_index(drop=True)


def label_contents(tables: dict[str, pd.DataFrame], words: Words) -> pd.DataFrame:
    """Write the totals and parts of `describe_log` for a reader, one row a measure."""
    totals, parts = tables["totals"], tables["parts"]
    rows = [(r.measure, words.value("value", r.value, "log_totals")) for r in totals.itertuples()]
    told = [
        f"{_name(r.measure, r.name, words)} {words.number(r.n_rows)} "
        f"({words.share(r.share_of_rows)})"
        for r in parts.itertuples(index=False)
    ]
    by_measure = parts.assign(told=told).groupby("measure", sort=False)["told"]
    rows += [(m, _join(texts.tolist(), words)) for m, texts in by_measure]
    shown = [(words.value("measure", measure), value) for measure, value in rows]
    return pd.DataFrame(shown, columns=[words.column("measure"), words.column("value")])


def label_actions(actions: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write the actors of `describe_log`'s actions in the reader's language."""
    told = [
        ", ".join(_name("actor", one, words) for one in who.split(", ")) for who in actions["actor"]
    ]
    return actions.assign(actor=told)


def tell_conclusions(log: EventLog, words: Words) -> list[str]:
    """What can be concluded from this export, what cannot, and what only with care?

    In this order. Nothing is said of the client's steps: these are told by the steps file. Days
    begin at midnight of the reader's time zone.
    """
    told = [
        *_tell_actors(log, words),
        *_tell_outcomes(log.leads["status"], words),
        *_tell_money(log.leads, words),
        *_tell_stages(log, words),
        *_tell_columns(log.leads, words),
        *_tell_times(log, words),
        *_tell_size(log, words),
        *((_CANNOT, text) for text in tell_export(log, words)),
        *((_CARE, text) for text in tell_assumed(log.assumed, log.observed_until, words)),
    ]
    return [text for _, text in sorted(told, key=lambda one: one[0])]


def find_moves(log: EventLog) -> np.ndarray:
    """Which events are moves between stages of the CRM, (n_events,)?"""
    names = log.events["action"].cat.categories
    return names.str.startswith(STAGE_PREFIX)[log.events["action"].cat.codes]


def _count_totals(log: EventLog, is_move: np.ndarray) -> pd.DataFrame:
    events = log.events
    totals = {
        "rows_read": log.rows_read,
        "rows_kept": len(events),
        "rows_removed": log.rows_read - len(events),
        "leads": len(log.leads),
        "leads_with_events": events["lead_id"].nunique(),
        "actions": events.loc[~is_move, "action"].nunique(),
        "first_event": events["at"].min(),
        "last_event": events["at"].max(),
        "observed_until": log.observed_until,
    }
    return pd.DataFrame(
        {"measure": list(totals), "value": pd.Series([*totals.values()], dtype=object)}
    )


def _count_parts(measure: str, names: pd.Series) -> pd.DataFrame:
    """Count names, the most frequent first, those not told last."""
    counts = names.fillna("").value_counts().sort_index()
    counts = counts.sort_values(ascending=False, kind="stable")
    counts = pd.concat([counts[counts.index != ""], counts[counts.index == ""]])
    return pd.DataFrame({
        "measure": measure, "name": counts.index.astype("str"), "n_rows": counts.to_numpy(),
        "share_of_rows": counts.to_numpy() / max(len(names), 1),
    })  # fmt: skip


def _count_actions(events: pd.DataFrame) -> pd.DataFrame:
    events = events.assign(action=events["action"].astype("str"))
    by_action = events.groupby("action")
    pairs = events[["action", "actor"]].dropna().drop_duplicates().sort_values("actor")
    who = pairs.astype("str").groupby("action")["actor"].agg(", ".join)
    table = pd.DataFrame({"n_rows": by_action.size(), "n_leads": by_action["lead_id"].nunique()})
    table = table.assign(
        actor=who.reindex(table.index).fillna(""), share_of_rows=table["n_rows"] / len(events)
    )
    return table.sort_values("n_rows", ascending=False, kind="stable").reset_index()


def _count_stages(moves: pd.DataFrame, leads: pd.DataFrame) -> pd.DataFrame:
    """Count moves to each stage, and the leads whose last one it is: by their moves, else as told
    of the lead (as `leads.list_leads`)."""
    lead, marks = moves["lead_id"].cat.codes.to_numpy(), mark_pipelines(leads)
    stage = moves["action"].astype("str").str.removeprefix(STAGE_PREFIX)
    moves = pd.DataFrame({"lead": lead, "stage": marks[lead] + stage.to_numpy(object)})
    told = leads["stage"].replace("", None).reset_index(drop=True)
    told = (marks + told.fillna("").astype(object)).where(told.notna())
    last = moves.groupby("lead")["stage"].last().reindex(told.index).fillna(told)
    by_stage = moves.groupby("stage")["lead"]
    counts = {"n_moves": by_stage.size(), "n_leads": by_stage.nunique()}
    counts |= {"n_last": last.dropna().value_counts()}
    table = pd.DataFrame(counts).fillna(0).astype("int64").rename_axis("stage").sort_index()
    table = table.sort_values(["n_moves", "n_last"], ascending=False, kind="stable")
    return table.reset_index()


def _name(measure: str, name: str, words: Words) -> str:
    """Name a part; what is not told is said to be."""
    if name == "":
        return words.text("sentence.no_value")
    if measure == "actor":
        return words.text(f"actor.{name}")
    return words.value(measure, name)


def _join(texts: list[str], words: Words) -> str:
    more = len(texts) - MOST_NAMES
    rest = [words.text("chrome.more_hidden", n=more)] if more > 0 else []
    return ", ".join([*texts[:MOST_NAMES], *rest])


def _tell_actors(log: EventLog, words: Words) -> list[tuple[int, str]]:
    """Whose acts are the events? Moves between stages are nobody's step and no help."""
    events = log.events[~find_moves(log)]
    if events.empty:
        return [(_CANNOT, words.text("sentence.check_only_stages"))]
    actor = events["actor"]
    n, of = actor.isna().sum(), len(actor)
    if n == of:
        return [(_CANNOT, words.text("sentence.check_no_actors"))]
    if n:
        share = words.share(n / of)
        return [(_CARE, words.text("sentence.check_actors_some", n=n, of=of, share=share))]
    told = []
    if not (actor == "client").any():
        told.append((_CANNOT, words.text("sentence.check_no_client")))
    if not (actor == "manager").any():
        told.append((_CANNOT, words.text("sentence.check_no_manager")))
    return told or [(_CAN, words.text("sentence.check_actors"))]


def _tell_outcomes(status: pd.Series, words: Words) -> list[tuple[int, str]]:
    n, of = status.isna().sum(), len(status)
    if n == of:
        return [(_CANNOT, words.text("sentence.check_no_outcomes"))]
    if n:
        share = words.share(n / of)
        return [(_CARE, words.text("sentence.check_outcomes_some", n=n, of=of, share=share))]
    told = [(_CAN, words.text("sentence.check_outcomes"))]
    if not (status == "lost").any():
        told.append((_CANNOT, words.text("sentence.check_no_lost")))
    n_won = (status == "won").sum()
    if n_won < SMALL:
        told.append((_CARE, words.text("sentence.necessity_small", n=n_won)))
    return told


def _tell_money(leads: pd.DataFrame, words: Words) -> list[tuple[int, str]]:
    n, of = (take_amounts(leads) > 0).sum(), len(leads)
    if not n:
        return [(_CANNOT, words.text("sentence.check_no_money"))]
    told = [(_CAN, words.text("sentence.check_money", n=n, of=of, share=words.share(n / of)))]
    names = split_currencies(leads)[1]
    if names == [""]:
        told.append((_CARE, words.text("sentence.check_no_currency")))
    if len(names) > 1:
        names = _join([_name("currency", name, words) for name in names if name], words)
        told.append((_CARE, words.text("sentence.check_currencies", names=names)))
    return told


def _tell_stages(log: EventLog, words: Words) -> list[tuple[int, str]]:
    n = find_moves(log).sum()
    if n:
        return [(_CAN, words.text("sentence.check_stages", n=n))]
    if log.leads["stage"].replace("", None).notna().any():
        return [(_CARE, words.text("sentence.pipeline_snapshot"))]
    return [(_CANNOT, words.text("sentence.check_no_stages"))]


def _tell_columns(leads: pd.DataFrame, words: Words) -> list[tuple[int, str]]:
    """Which groups can be compared, which deals are of one client, why does the CRM say lost?"""
    told, varied = [], [c for c in COMPARED if len(leads[c].dropna().unique()) > 1]
    same = [c for c in COMPARED if c not in varied]
    if varied:
        names = ", ".join(words.value("fact", c) for c in varied)
        told.append((_CAN, words.text("sentence.check_compare", columns=names)))
    if same:
        names = ", ".join(words.value("fact", c) for c in same)
        told.append((_CANNOT, words.text("sentence.check_no_compare", columns=names)))
    if {"manager", "team"} <= {*same}:
        told.append((_CARE, words.text("sentence.check_no_groups")))
    if leads["account_id"].notna().any():
        share = words.share(leads["account_id"].notna().mean())
        told.append((_CAN, words.text("sentence.check_accounts", share=share)))
    else:
        told.append((_CANNOT, words.text("sentence.check_no_accounts")))
    n = leads["loss_reason"].notna().sum()
    if n:
        told.append((_CAN, words.text("sentence.check_reasons", n=n)))
    else:
        told.append((_CANNOT, words.text("sentence.check_no_reasons")))
    return told


def _tell_times(log: EventLog, words: Words) -> list[tuple[int, str]]:
    """Are there times of day, was there time enough, are both ends of the period there?"""
    told, at, until = [], log.events["at"], log.observed_until
    local = at.dt.tz_convert(words.time_zone)
    dates = (local == local.dt.normalize()).mean()
    if dates == 1:
        told.append((_CANNOT, words.text("sentence.check_dates_only")))
    elif dates >= LARGE_PART:
        told.append((_CARE, words.text("sentence.check_dates_some", share=words.share(dates))))
    first, last = at.min(), at.max()
    days = (until - first).days
    if days < SHORT_DAYS:
        told.append((_CARE, words.text("sentence.check_short", days=words.days(days))))
    n, of = (log.leads["created_at"] < first - pd.Timedelta(days=1)).sum(), len(log.leads)
    if n >= LARGE_PART * of:
        share = words.share(n / of)
        told.append((_CARE, words.text("sentence.check_cut_start", n=n, of=of, share=share)))
    if until - last >= pd.Timedelta(days=SILENT_DAYS):  # looks like events left out
        days = {"last": words.date(last), "until": words.date(until)}
        told.append((_CARE, words.text("sentence.check_silent_end", **days)))
    return told


def _tell_size(log: EventLog, words: Words) -> list[tuple[int, str]]:
    told, lead = [], lead_codes(log)
    of_lead = np.bincount(lead[~find_moves(log)], minlength=1)
    if of_lead.max() == 1:
        told.append((_CANNOT, words.text("sentence.check_one_event")))
    n = len(np.unique(lead))
    if n < FEWEST_LEADS:
        told.append((_CANNOT, words.text("sentence.check_few_leads", n=n, few=FEWEST_LEADS)))
    return told
