"""What an export holds, and what can and what cannot be concluded from it, before any steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.core.groups import FEWEST_LEADS
from funnel_lib.core.tables import arrange
from funnel_lib.core.words import SMALL, Words, label_table
from funnel_lib.counting.checks import check_cuts, check_log, list_cuts
from funnel_lib.counting.duplicates import check_duplicates
from funnel_lib.counting.money import check_amounts, split_currencies, take_amounts
from funnel_lib.counting.moves import mark_pipelines
from funnel_lib.sections.quality.exports import find_silent_end, tell_export
from funnel_lib.sections.quality.tell import tell_assumed

SHORT_DAYS = 90  # in less time many leads have not decided
LARGE_PART = 0.05  # a part of leads or events worth a sentence
MOST_NAMES = 10
COMPARED = ("manager", "team", "product", "source")
_SEVERITIES = ("error", "warning", "info")
_CAN, _CANNOT, _CARE = range(3)
_Found = Iterator[tuple[int, str, dict[str, Any]]]  # such a level, a sentence's key and its values


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

    As `checks.check_log` tells it, and the amounts that do not count as money.
    """
    cuts = check_cuts(list_cuts(log), log.leads)
    checks = [check_log(log), cuts, check_duplicates(log), check_amounts(log.leads)]
    found = pd.concat(checks, ignore_index=True)
    rank = found["severity"].map({s: n for n, s in enumerate(_SEVERITIES)})
    order = np.lexsort((-found["n_rows"].to_numpy(float), rank))
    return found.iloc[order].reset_index(drop=True)


def label_contents(tables: dict[str, pd.DataFrame], words: Words) -> pd.DataFrame:
    """Write the totals and parts of `describe_log` for a reader, one row a measure."""
    told: dict[str, list[str]] = {}
    for row in tables["parts"].to_dict("records"):
        row["name"] = _name(row["measure"], row["name"], words)
        told.setdefault(row["measure"], []).append(words.text("sentence.log_part", **row))
    parts = [(measure, _join(texts, words)) for measure, texts in told.items()]
    rows = [*tables["totals"].itertuples(index=False), *parts]
    return label_table(pd.DataFrame(rows, columns=["measure", "value"]), words, "log_totals")


def label_actions(actions: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write the actors of `describe_log`'s actions in the reader's language."""
    return actions.assign(actor=[_list("actor", a.split(", "), words) for a in actions["actor"]])


def tell_conclusions(log: EventLog, words: Words) -> list[str]:
    """What can be concluded from this export, what cannot, and what only with care?

    In this order. Nothing is said of the client's steps: these are told by the steps file. Days
    begin at midnight of the reader's time zone.
    """
    told = {cut.check for cut in list_cuts(log)}
    found = [
        *_check_actors(log),
        *_check_outcomes(log.leads["status"], told),
        *_check_words(log.noticed),
        *_check_money(log.leads, words),
        *_check_stages(log),
        *_check_columns(log.leads, words),
        *_check_times(log, words.time_zone, told),
        *_check_size(log),
    ]
    can, cannot, care = (
        [words.text(key, **values) for its, key, values in found if its == level]
        for level in (_CAN, _CANNOT, _CARE)
    )
    assumed = tell_assumed(log.assumed, log.observed_until, words)
    return [*can, *cannot, *tell_export(log, words), *care, *assumed]


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
    return words.find(f"{measure}.{name}") or name or words.text("sentence.no_value")


def _list(measure: str, names: list[str], words: Words) -> str:
    return _join([_name(measure, name, words) for name in names], words)


def _join(texts: list[str], words: Words) -> str:
    more = len(texts) - MOST_NAMES
    rest = [words.text("chrome.more_hidden", n=more)] if more > 0 else []
    return ", ".join([*texts[:MOST_NAMES], *rest])


def _part(n: int, of: int) -> dict[str, float]:
    return {"n": n, "of": of, "share": n / of}


def _check_actors(log: EventLog) -> _Found:
    """Whose acts are the events? Moves between stages are nobody's step and no help."""
    actor = log.events.loc[~find_moves(log), "actor"]
    n, of = actor.isna().sum(), len(actor)
    by_client, by_manager = (actor == "client").any(), (actor == "manager").any()
    if not of:
        yield _CANNOT, "sentence.check_only_stages", {}
    elif n == of:
        yield _CANNOT, "sentence.check_no_actors", {}
    elif n:
        yield _CARE, "sentence.check_actors_some", _part(n, of)
    elif by_client and by_manager:
        yield _CAN, "sentence.check_actors", {}
    else:
        if not by_client:
            yield _CANNOT, "sentence.check_no_client", {}
        if not by_manager:
            yield _CANNOT, "sentence.check_no_manager", {}


def _check_outcomes(status: pd.Series, cuts: set[str]) -> _Found:
    n, of, n_won = status.isna().sum(), len(status), (status == "won").sum()
    if n == of:
        yield _CANNOT, "sentence.check_no_outcomes", {}
    elif n:
        yield _CARE, "sentence.check_outcomes_some", _part(n, of)
    else:
        yield _CAN, "sentence.check_outcomes", {}
        if not (status == "lost").any() and "no_lost_leads" not in cuts:
            yield _CANNOT, "sentence.check_no_lost", {}
        if n_won < SMALL:
            yield _CARE, "sentence.necessity_small", {"n": n_won}


def _check_words(noticed: pd.DataFrame) -> _Found:
    """What a mapping file has to say, ready to paste."""
    examples = noticed.drop_duplicates("check").set_index("check")["example"]
    for check, key in _MAPPED.items():
        if check in examples:
            found, _, line = examples[check].rpartition("; ")
            kind = _CANNOT if check == "steps_not_read" else _CARE
            yield kind, key, {"found": found or examples[check], "line": line}


_MAPPED = {
    "steps_not_read": "sentence.check_steps_unread",
    "outcome_by_word": "sentence.check_words_read",
    "unreadable_status": "sentence.check_words_status",
    "event_outcomes": "sentence.check_words_events",
}


def _check_money(leads: pd.DataFrame, words: Words) -> _Found:
    n, names = (take_amounts(leads) > 0).sum(), split_currencies(leads)[1]
    if not n:
        yield _CANNOT, "sentence.check_no_money", {}
        return
    yield _CAN, "sentence.check_money", _part(n, len(leads))
    if names == [""]:
        yield _CARE, "sentence.check_no_currency", {}
    elif len(names) > 1:
        told = [name for name in names if name]
        yield _CARE, "sentence.check_currencies", {"names": _join(told, words)}


def _check_stages(log: EventLog) -> _Found:
    n = find_moves(log).sum()
    if n:
        yield _CAN, "sentence.check_stages", {"n": n}
    elif log.leads["stage"].replace("", None).notna().any():
        yield _CARE, "sentence.pipeline_snapshot", {}
    else:
        yield _CANNOT, "sentence.check_no_stages", {}


def _check_columns(leads: pd.DataFrame, words: Words) -> _Found:
    """Which groups can be compared, which deals are of one client, why does the CRM say lost?"""
    varied = [c for c in COMPARED if len(leads[c].dropna().unique()) > 1]
    same = [c for c in COMPARED if c not in varied]
    if varied:
        yield _CAN, "sentence.check_compare", {"columns": _list("fact", varied, words)}
    if same:
        yield _CANNOT, "sentence.check_no_compare", {"columns": _list("fact", same, words)}
    if {"manager", "team"} <= {*same}:
        yield _CARE, "sentence.check_no_groups", {}
    share = leads["account_id"].notna().mean()
    if share > 0:
        yield _CAN, "sentence.check_accounts", {"share": share}
    else:
        yield _CANNOT, "sentence.check_no_accounts", {}
    n = leads["loss_reason"].notna().sum()
    if n:
        yield _CAN, "sentence.check_reasons", {"n": n}
    else:
        yield _CANNOT, "sentence.check_no_reasons", {}


def _check_times(log: EventLog, time_zone: str, cuts: set[str]) -> _Found:
    """Are there times of day, was there time enough, are both ends of the period there?"""
    at, until = log.events["at"], log.observed_until
    first = at.min()
    local = at.dt.tz_convert(time_zone)
    dates = (local == local.dt.normalize()).mean()
    if dates == 1:
        yield _CANNOT, "sentence.check_dates_only", {}
    elif dates >= LARGE_PART:
        yield _CARE, "sentence.check_dates_some", {"share": dates}
    days = (until - first).days
    if days < SHORT_DAYS:
        yield _CARE, "sentence.check_short", {"days": days}
    n, of = (log.leads["created_at"] < first - pd.Timedelta(days=1)).sum(), len(log.leads)
    if n >= LARGE_PART * of and "history_begins_late" not in cuts:
        yield _CARE, "sentence.check_cut_start", _part(n, of)
    for last in find_silent_end(log):
        yield _CARE, "sentence.check_silent_end", {"last": last, "until": until}


def _check_size(log: EventLog) -> _Found:
    lead = lead_codes(log)
    if np.bincount(lead[~find_moves(log)], minlength=1).max() == 1:
        yield _CANNOT, "sentence.check_one_event", {}
    n = len(np.unique(lead))
    if n < FEWEST_LEADS:
        yield _CANNOT, "sentence.check_few_leads", {"n": n, "few": FEWEST_LEADS}
