"""Sentences about how soon clients are answered, and how often managers try to reach them."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, hint_if_few, join_sentences
from funnel_lib.sections.answers.count import EVERYBODY


def tell_responses(responses: pd.DataFrame, words: Words) -> str:
    """How soon is a client answered, and how many tries does it take to reach one? Of all leads."""
    row = responses[responses["manager"] == EVERYBODY].iloc[0]
    n_came, n_tried = row["n_client_first"], row["n_tried"]
    if not n_came > 0 and not n_tried > 0:
        return words.text("sentence.responses_unknown")
    return join_sentences(
        _tell_answers(row, words) if n_came > 0 else words.text("sentence.responses_none"),
        n_tried > 0 and _tell_attempts(row, words),
        hint_if_few(max(n_came, n_tried), words),
    )


def label_managers(responses: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Name the rows for a reader: all leads, and those without a manager.

    Where no lead has a manager, the row of these is left out: it is that of all.
    """
    if responses["manager"].tolist() == [EVERYBODY, ""]:
        responses = responses.head(1)
    names = responses["manager"].replace("", words.text("sentence.responses_no_manager"))
    names = names.mask(responses.index == responses.index[0], words.text("segment.all"))
    return responses.assign(manager=names)


def _tell_answers(row: pd.Series, words: Words) -> str:
    """How many of those who came first are answered, and how soon."""
    told = words.text("sentence.responses", **row)
    if not row["n_had_hour"] > 0:
        return join_sentences(told, words.text("sentence.responses_dates"))
    never = pd.isna(row["median_hours_to_answer"])
    return join_sentences(
        told,
        words.text("sentence.responses_half_never" if never else "sentence.responses_half", **row),
        words.text("sentence.responses_hour", **row),
        row["n_had_day"] > 0 and words.text("sentence.responses_day", **row),
    )


def _tell_attempts(row: pd.Series, words: Words) -> str:
    """How many were tried and reached, and after how many tries the others were given up."""
    return join_sentences(
        words.text("sentence.attempts", **row),
        row["n_got_through"] > 0 and words.text("sentence.attempts_half", **row),
        row["n_given_up"] > 0 and words.text("sentence.attempts_given_up", **row),
    )
