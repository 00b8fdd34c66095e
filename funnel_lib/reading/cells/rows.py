"""Rows of texts as events and leads: times, amounts, outcomes, actors in place of their texts."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd

from funnel_lib.core.errors import Problems
from funnel_lib.core.events import LEAD_COLUMNS, OUTCOMES, STATUSES, show_values
from funnel_lib.core.ordering import as_category
from funnel_lib.reading.cells.currencies import find_in_cells, name_currencies
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.outcomes import infer_outcomes, read_outcomes
from funnel_lib.reading.columns import STATUS_WORDS, Mapping
from funnel_lib.reading.crms.joins import join_deals
from funnel_lib.reading.files.typed import is_category
from funnel_lib.reading.ledger import Ledger, Reading

MOST_WORDS = 20  # of outcomes, that are told
_CODED = ("lead_id", "action", "actor")
_MAYBE_OWN = ("created_at", *OUTCOMES)


def type_events(rows: pd.DataFrame, reading: Reading) -> tuple[pd.DataFrame, np.ndarray]:
    """Read times, and code leads, actions and actors beside it, as each takes as long."""
    with ThreadPoolExecutor() as pool:
        words = [c for c in _CODED if c in rows and not is_category(rows[c])]
        coded = {c: pool.submit(as_category, rows[c]) for c in words}
        times, zoned = reading.read_times(rows["at"], "the time column")
    unreadable = (rows["at"].notna() & times.isna() & rows["lead_id"].notna()).to_numpy()
    # before the times are put in, so that they are shown as they were written
    reading.ledger.leave_out("unreadable_time", rows, unreadable)
    rows = rows.assign(at=times, **{c: job.result() for c, job in coded.items()})
    if "actor" in rows:
        rows["actor"] = _give_actors(rows["actor"], reading.mapping)
    if not unreadable.any():
        return rows, zoned
    return rows[~unreadable].reset_index(drop=True), zoned[~unreadable]


def _give_actors(told: pd.Series, mapping: Mapping) -> pd.Series:
    """Give words and names of the actor column the actors that the mapping says they are."""
    given = {w.casefold(): a for a, words in mapping.actor_values.items() for w in words}
    if not given:
        return told
    return told.astype("str").map(lambda word: given.get(word.casefold(), word), na_action="ignore")


def type_leads(parts: list[pd.DataFrame], reading: Reading):
    """The leads of several tables, and which kinds of times they had."""
    if not parts:
        return None, set()
    leads = join_deals(parts)
    leads = leads.drop(columns=[c for c in ("at", "action", "actor") if c in leads])
    kinds = read_own_columns(leads, reading)
    leads = _settle(leads, reading)
    if len(parts) > 1:
        rows = pd.concat([part.assign(part=n) for n, part in enumerate(parts)], ignore_index=True)
        # what is unreadable is noted already
        read_own_columns(rows, replace(reading, ledger=Ledger()))
        note_differing(rows, reading.ledger)
    return leads, kinds


def _settle(leads: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Fill outcomes that no status tells by the stage, where its name is one of an end; a lead with
    a reason of loss is lost."""
    status = leads.get("status", pd.Series(index=leads.index, dtype="str")).astype("str")
    if "stage" in leads:
        ends = infer_outcomes(leads["stage"].astype("str"), None, reading.mapping.outcomes)
        guessed = status.isna() & ends.isin(STATUSES[:2])
        reading.ledger.note_cells("outcome_by_stage_name", leads["stage"], guessed)
        status = status.mask(guessed, ends)
    if "loss_reason" in leads:
        status = status.mask(status.isna() & leads["loss_reason"].notna(), "lost")
    return leads.assign(status=status) if status.notna().any() else leads


def note_differing(rows: pd.DataFrame, ledger: Ledger) -> None:
    """Note the leads of which two tables (``part``) say different things: the first one's word is
    taken. The rows are of all tables, typed."""
    rows = rows.dropna(subset="lead_id").drop_duplicates(["part", "lead_id"])
    differs = np.zeros(len(rows), bool)
    for column in (c for c in LEAD_COLUMNS[1:] if c in rows):
        first = rows.groupby("lead_id")[column].transform("first")
        differs |= (rows[column].notna() & (rows[column] != first)).to_numpy()
    ids, n_all = rows.loc[differs, "lead_id"].drop_duplicates(), rows["lead_id"].nunique()
    ledger.note("lead_tables_differ", len(ids), n_all, "warning", show_values(ids))


def read_own_columns(frame: pd.DataFrame, reading: Reading, own=_MAYBE_OWN) -> set[str]:
    """Read the lead's own columns in place: dates, the amount, the status, of these the `own`;
    which kinds of times there are."""
    problems, kinds, mapping, ledger = Problems(), set(), reading.mapping, reading.ledger
    for column in (c for c in ("created_at", "closed_at") if c in frame and c in own):
        with problems.collecting():
            times, zoned = reading.read_times(frame[column], f"the column {column}")
            kinds |= {"zoned"} if zoned.any() else set()
            kinds |= {"local"} if (times.notna() & ~zoned).any() else set()
            _put_read(frame, column, times, ledger)
    problems.raise_if_any()
    if "amount" in frame and "amount" in own:
        amounts = read_numbers(frame["amount"], mapping.decimal_comma)
        codes = find_in_cells(frame["amount"])
        if codes.notna().any():
            frame["currency"] = frame["currency"].fillna(codes) if "currency" in frame else codes
        _put_read(frame, "amount", amounts, ledger)
    if "status" in frame and "status" in own:
        read, texts = read_outcomes(frame["status"], mapping.outcomes), frame["status"]
        _note_unread_words(texts[texts.notna() & read.isna()], len(frame), ledger)
        _note_read_words(texts, read, ledger)
        frame["status"] = read
    if "currency" in frame:
        frame["currency"] = name_currencies(frame["currency"].astype("str"))
    return kinds


def _note_unread_words(words: pd.Series, n_all: int, ledger: Ledger) -> None:
    """Note words of outcomes that are not known, with their counts, and the line of a mapping into
    whose lists they are to be sorted."""
    counts = words.astype("str").value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    told = ", ".join(f"{word} ({n})" for word, n in counts[:MOST_WORDS].items())
    listed = json.dumps([*counts.index], ensure_ascii=False)
    example = f"{told}; status_values: {{won: [], lost: [], open: {listed}}}"
    ledger.note("unreadable_status", len(words), n_all, "warning", example)


def _note_read_words(texts: pd.Series, read: pd.Series, ledger: Ledger) -> None:
    """Note what words of outcomes were taken to mean where any is known by its beginning alone, as
    the line of a mapping that says so."""
    guessed = read.notna() & ~texts.str.casefold().isin(STATUS_WORDS)
    words = {s: sorted(texts[read == s].unique())[:MOST_WORDS] for s in STATUSES}
    told = ", ".join(f"{s}: {json.dumps(w, ensure_ascii=False)}" for s, w in words.items() if w)
    example = f"status_values: {{{told}}}"
    ledger.note("outcome_by_word", guessed.sum(), len(texts), "info", example)


def _put_read(frame: pd.DataFrame, column: str, read: pd.Series, ledger: Ledger) -> None:
    """Put what was read in place of its texts; what could not be read is noted."""
    ledger.note_unreadable(column, frame[column], read)
    frame[column] = read
