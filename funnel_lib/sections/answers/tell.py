"""Sentences about how soon clients are answered, and how often managers try to reach them."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, if_small
from funnel_lib.sections.answers.count import EVERYBODY


def tell_responses(responses: pd.DataFrame, words: Words) -> str:
    """How soon is a client answered, and how many tries does it take to reach one? Of all leads."""
    row = responses[responses["manager"] == EVERYBODY].iloc[0]
    n_came, n_tried = row["n_client_first"], row["n_tried"]
    if not n_came > 0 and not n_tried > 0:
        return words.text("sentence.responses_unknown")
    told = _tell_answers(row, words) if n_came > 0 else [words.text("sentence.responses_none")]
    if n_tried > 0:
        told += _tell_attempts(row, words)
    return " ".join(told) + if_small(max(n_came, n_tried), words)


def label_managers(responses: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Name the rows for a reader: all leads, and those without a manager.

    Where no lead has a manager, the row of these is left out: it is that of all.
    """
    if responses["manager"].tolist() == [EVERYBODY, ""]:
        responses = responses.head(1)
    names = responses["manager"].replace("", words.text("sentence.responses_no_manager"))
    names = names.mask(responses.index == responses.index[0], words.text("segment.all"))
    return responses.assign(manager=names)


def label_responses(responses: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write the table for a reader: its rows named, and half_answered, the median with its unit."""
    never = words.text("figure.not_reached")
    halves = [
        words.hours(hours) if pd.notna(hours) else never if n > 0 else ""
        for hours, n in responses[["median_hours_to_answer", "n_had_hour"]].to_numpy()
    ]
    return label_managers(responses.assign(half_answered=halves), words)


def _tell_answers(row: pd.Series, words: Words) -> list[str]:
    """How many of those who came first are answered, and how soon."""
    told = [
        words.text(
            "sentence.responses",
            base=words.text("count.of_client_first", n=row["n_client_first"]),
            n=row["n_answered"],
            waiting=row["n_waiting"],
            closed=row["n_unanswered"],
        )
    ]
    if not row["n_had_hour"] > 0:
        return [*told, words.text("sentence.responses_dates")]
    half = row["median_hours_to_answer"]
    if pd.notna(half):
        told.append(words.text("sentence.responses_half", time=words.hours(half)))
    else:
        told.append(words.text("sentence.responses_half_never"))
    share = _write_share(row, "share_within_hour", words)
    told.append(words.text("sentence.responses_hour", n=row["n_had_hour"], **share))
    if row["n_had_day"] > 0:
        share = _write_share(row, "share_within_day", words)
        told.append(words.text("sentence.responses_day", n=row["n_had_day"], **share))
    return told


def _write_share(row: pd.Series, name: str, words: Words) -> dict[str, str]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return {"share": words.share(row[name]), "span": words.span(low, high)}


def _tell_attempts(row: pd.Series, words: Words) -> list[str]:
    """How many were tried and reached, and after how many tries the others were given up."""
    told = [
        words.text(
            "sentence.attempts",
            base=words.text("count.of_tried", n=row["n_tried"]),
            n=row["n_got_through"],
            trying=row["n_trying"],
            lost=row["n_given_up"],
        )
    ]
    if row["n_got_through"] > 0:
        enough = words.text("count.tries", n=row["median_attempts_to_reach"])
        told.append(words.text("sentence.attempts_half", tries=enough))
    if row["n_given_up"] > 0:
        share = _write_share(row, "share_given_up_after_one", words)
        told.append(words.text("sentence.attempts_given_up", **share))
    return told
