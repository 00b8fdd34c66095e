"""Evidence: which events show which steps of the client, which acts of managers ask for them."""

from __future__ import annotations

import operator
from difflib import get_close_matches

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, quote_some
from funnel_lib.core.events import EventLog, lead_codes, note_checks
from funnel_lib.core.steps import Evidence, Steps
from funnel_lib.core.times import first_at, to_micros

_ALIKE = 0.8  # likeness of two names of which one may be the other, misspelt
_COMPARE = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge,
    "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def name_actions(log: EventLog, patterns: tuple[str, ...]) -> np.ndarray:
    """Which events' actions fit any of some names or globs, (n_events,)?"""
    actions = log.events["action"].cat
    fits = _fit_names(actions.categories, patterns)
    return fits[actions.codes.to_numpy()] if fits.any() else np.zeros(len(log.events), bool)


def _fit_names(actions: pd.Index, patterns: tuple[str, ...]) -> np.ndarray:
    rules = [Evidence(action=p) for p in patterns]
    return np.array([any(r.matches(a) for r in rules) for a in actions], bool)


def match_evidence(log: EventLog, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """Events that show a step: their rows and the steps' codes, each pair once, rows in order."""
    actions = list(log.events["action"].cat.categories)
    by_action = log.events["action"].cat.codes.to_numpy()
    owner = _plain_owners(steps, actions)
    plain = np.array([steps.ids.index(owner[a]) if a in owner else -1 for a in actions], np.int16)
    plain = plain[by_action] if len(plain) else np.full(len(by_action), -1, np.int16)
    parts = [(rows := np.flatnonzero(plain >= 0), plain[rows])]
    for code, step_id in enumerate(steps.ids):
        rules = [r for r in steps[step_id].evidence if not r.is_plain and not r.other_deal]
        if rules:
            shows = np.any([_fits_conditions(log, rule) for rule in rules], axis=0)
            rows = np.flatnonzero(shows & (plain != code))
            parts.append((rows, np.full(len(rows), code, np.int16)))
    if not any(len(rows) for rows, _ in parts[1:]):
        return parts[0]
    rows, codes = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    return rows[order], codes[order]


def _plain_owners(steps: Steps, actions: list[str]) -> dict[str, str]:
    """Which step an action alone shows; an exact name beats a glob."""
    plain = [(s.id, e) for s in steps.steps for e in s.evidence if e.is_plain]
    exact = {e.action: step_id for step_id, e in plain if not e.is_glob}
    owners, problems = {}, []
    for action in actions:
        globs = sorted({step_id for step_id, e in plain if e.is_glob and e.matches(action)})
        if action in exact:
            owners[action] = exact[action]
        elif len(globs) > 1:
            problems.append(
                f"steps file: globs of {' and '.join(globs)} both claim the action {action!r}; "
                "name it exactly in the step it shows"
            )
        elif globs:
            owners[action] = globs[0]
    if problems:
        raise InputError(problems)
    return owners


def _fits_conditions(log: EventLog, rule: Evidence) -> np.ndarray:
    fits = name_actions(log, (rule.action,))
    if rule.after is not None:
        at = to_micros(log.events["at"])
        earlier = name_actions(log, (rule.after,))
        since = first_at(lead_codes(log)[earlier], at[earlier], len(log.leads))
        lead = lead_codes(log)
        fits &= at >= since[lead]
        # an event is not after itself: where the first stands alone, it takes another one
        first = earlier & (at == since[lead])
        alone = np.bincount(lead[first], minlength=len(log.leads)) == 1
        fits &= ~(first & alone[lead])
    if rule.condition is not None:
        fits &= _compare(log, *rule.condition)
    return fits


def _compare(log: EventLog, column: str, sign: str, value: str) -> np.ndarray:
    """Compare a column of the events with a value, as numbers where the value is one; an empty
    cell fits no comparison."""
    if column not in log.events:
        return np.zeros(len(log.events), bool)
    cells = log.events[column]
    number = pd.to_numeric(pd.Series([value]), errors="coerce")[0]
    if pd.notna(number):
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(float, na_value=np.nan)
        return _COMPARE[sign](numbers, number) & ~np.isnan(numbers)
    texts = cells.astype("str")
    return np.asarray(_COMPARE[sign](texts.fillna(""), value)) & cells.notna().to_numpy()


def match_other_deals(log: EventLog, steps: Steps, leads: pd.DataFrame, left_out: np.ndarray):
    """Evidence of won leads from other leads of the same account, at or after the sale; the rows
    left out (the sale's, on a lost lead) show nothing here, either, nor do those of a deal that was
    sold on the same day: the two are one purchase."""
    parts = [(np.empty(0, np.int64),) * 2 + (np.empty(0, np.int16), np.empty(0, bool))]
    won = leads[["account_id", "sold_at"]].assign(lead=np.arange(len(leads)))
    won = won[(leads["status"] == "won") & leads["account_id"].notna()]
    for code, step_id in enumerate(steps.ids):
        for rule in (e for e in steps[step_id].evidence if e.other_deal):
            mask = _fits_conditions(log, rule)
            mask[left_out] = False
            theirs = pd.DataFrame({"event_lead": lead_codes(log)[mask].astype(np.int64),
                                   "at": log.events["at"][mask].array})  # fmt: skip
            theirs["account_id"] = leads["account_id"].array.take(theirs["event_lead"])
            theirs["sold_on"] = leads["sold_at"].dt.floor("D").array[theirs["event_lead"]]
            both = won.merge(theirs.dropna(subset="account_id"), on="account_id")
            both = both[(both["lead"] != both["event_lead"]) & (both["at"] >= both["sold_at"])]
            both = both[both["sold_on"] != both["sold_at"].dt.floor("D")]
            n = len(both)
            parts.append((both["lead"].to_numpy(), to_micros(both["at"]),
                          np.full(n, code, np.int16), np.zeros(n, bool)))  # fmt: skip
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def match_asks(log: EventLog, steps: Steps):
    """The manager's asks: lead, kind, time; and the kinds, (n_kinds, n_steps): for which steps.

    An action, its globs expanded, may ask for several steps: it is one ask, of a kind of its own.
    """
    kind, sets = np.zeros(len(log.events), np.int16), [()]
    for code, step_id in enumerate(steps.ids):
        asks = np.zeros(len(kind), bool)
        for rule in steps[step_id].asked_by:
            asks |= _fits_conditions(log, rule)
        asks = np.flatnonzero(asks)
        before = np.unique(kind[asks])
        anew = np.zeros(len(sets), np.int16)
        anew[before] = np.arange(len(before)) + len(sets)
        sets += [(*sets[k], code) for k in before]
        kind[asks] = anew[kind[asks]]
    rows = np.flatnonzero(kind)
    known, kind = np.unique(kind[rows], return_inverse=True)
    marks = np.zeros((len(known), len(steps.ids)), bool)
    for row, k in enumerate(known):
        marks[row, list(sets[k])] = True
    lead = lead_codes(log)[rows].astype(np.int64)
    return lead, kind.astype(np.int16), to_micros(log.events["at"])[rows], marks


def check_actions(log: EventLog, steps: Steps) -> pd.DataFrame:
    """Actions the steps file does not mention, columns its conditions name in vain, and evidence
    and asks that match no event."""
    counts = log.events["action"].value_counts()
    counts = counts[counts > 0]
    counts = counts.set_axis(counts.index.astype("str"))
    return pd.concat([_check_named(log, steps, counts), _check_misspelt(log, steps, counts)])


def _check_named(log: EventLog, steps: Steps, counts: pd.Series) -> pd.DataFrame:
    """Actions the steps file does not mention, and columns its conditions name in vain."""
    named = [e.action for s in steps.steps for e in s.evidence]
    named += [e.after for s in steps.steps for e in s.evidence if e.after]
    named += [a for s in steps.steps for a in s.asks]
    named += [*steps.self_reported, *steps.lost, *steps.ignore, "stage: *"]
    unknown = ~_fit_names(counts.index, tuple(named))
    counts = counts[unknown].sort_index().sort_values(ascending=False, kind="stable")
    shown = quote_some([f"{a} ({n})" for a, n in counts.items()], most=10)
    with_condition = [e for s in steps.steps for e in s.evidence if e.condition]
    lacking = [e for e in with_condition if e.condition[0] not in log.events]
    columns = sorted({e.condition[0] for e in lacking if name_actions(log, (e.action,)).any()})
    return note_checks([
        ("unknown_actions", counts.sum(), len(log.events), "warning", shown),
        ("no_such_column", len(log.events) if columns else 0, len(log.events), "warning",
         ", ".join(columns)),
    ])  # fmt: skip


def _check_misspelt(log: EventLog, steps: Steps, counts: pd.Series) -> pd.DataFrame:
    """Evidence and asks that match no event, where an action is nearly called so."""
    there = {a.casefold(): a for a in counts.index}
    rules = [(s.id, rule) for s in steps.steps for rule in (*s.evidence, *s.asked_by)]
    found, n_rows = [], 0
    for step_id, rule in rules:
        if rule.is_glob or rule.action in there.values():
            continue
        near = get_close_matches(rule.action.casefold(), there, n=1, cutoff=_ALIKE)
        if near:
            name = there[near[0]]
            n_rows += counts[name]
            found.append(f"{step_id}: {rule.action!r} → {name!r} ({counts[name]})")
    row = ("evidence_misspelt", n_rows, len(log.events), "warning", "; ".join(found))
    return note_checks([row])
