"""Sentences about how soon clients are answered, and how often managers try to reach them."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import SMALL, Words
from funnel_lib.sections.answers.count import EVERYBODY


def tell_responses(responses: pd.DataFrame, words: Words) -> str:
    """How soon is a client answered, and how many tries does it take to reach one?

    Parameters
    ----------
    responses : what `answers.count_responses` returns; all leads are told
    words : the reader's language

    Examples
    --------
    >>> responses = pd.DataFrame({
    ...     "manager": ["all"], "n_client_first": 200, "n_answered": 150, "n_waiting": 20,
    ...     "n_unanswered": 30, "median_hours_to_answer": 5.3, "n_had_hour": 199,
    ...     "share_within_hour": 0.2, "share_within_hour_low": 0.15, "share_within_hour_high": 0.26,
    ...     "n_had_day": 190, "share_within_day": 0.6, "share_within_day_low": 0.53,
    ...     "share_within_day_high": 0.67, "n_tried": 0})
    >>> tell_responses(responses, Words("en"))
    'Of 200 leads whose client came first, 150 have been answered, 20 are waiting, 30 were closed
    without an answer. Half of those who came first are answered within 5.3 h. Within an hour, 20.0%
    of 199 are answered (95% interval 15.0–26.0%). Within a day, 60.0% of 190 are answered
    (95% interval 53.0–67.0%).'
    """
    row = responses[responses["manager"] == EVERYBODY].iloc[0]
    n_came, n_tried = row["n_client_first"], row["n_tried"]
    if not n_came > 0 and not n_tried > 0:
        return words.text("sentence.responses_unknown")
    told = _tell_answers(row, words) if n_came > 0 else [words.text("sentence.responses_none")]
    if n_tried > 0:
        told += _tell_attempts(row, words)
    return " ".join(told) + (words.text("sentence.small") if max(n_came, n_tried) < SMALL else "")


def name_managers(responses: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Name the rows for a reader: all leads, and those without a manager.

    Parameters
    ----------
    responses : what `answers.count_responses` returns
    words : the reader's language

    Returns
    -------
    the same frame; where no lead has a manager, the row of these is left out: it is that of all

    Examples
    --------
    >>> table = pd.DataFrame({"manager": ["all", "Ann", ""]})
    >>> name_managers(table, Words("en"))["manager"].tolist()
    ['all leads', 'Ann', 'no manager']
    """
    if responses["manager"].tolist() == [EVERYBODY, ""]:
        responses = responses.head(1)
    names = responses["manager"].replace("", words.text("sentence.responses_no_manager"))
    names = names.mask(responses.index == responses.index[0], words.text("segment.all"))
    return responses.assign(manager=names)


def write_responses(responses: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write the table for `html.show_table`: its rows named, the median told with its unit.

    Parameters
    ----------
    responses : what `answers.count_responses` returns
    words : the reader's language

    Returns
    -------
    the same frame with a column more: half_answered, the median as a text; empty where it cannot be
    told

    Examples
    --------
    >>> table = pd.DataFrame({"manager": ["all", "Ann", "Bob"], "n_had_hour": [2, 2, 0],
    ...                       "median_hours_to_answer": [1.5, None, None]})
    >>> write_responses(table, Words("en"))["half_answered"].tolist()
    ['1.5 h', 'not reached', '']
    """
    never = words.text("figure.not_reached")
    halves = [
        say_hours(hours, words) if pd.notna(hours) else never if n > 0 else ""
        for hours, n in responses[["median_hours_to_answer", "n_had_hour"]].to_numpy()
    ]
    return name_managers(responses.assign(half_answered=halves), words)


def say_hours(hours: float, words: Words) -> str:
    """Say a time in the unit people use for it: minutes below an hour, days from the third on.

    Examples
    --------
    >>> [say_hours(h, Words("en")) for h in (0, 0.4, 17.3, 60)]
    ['1 min', '24 min', '17.3 h', '2.5 days']
    """
    if hours < 1:
        return words.text("sentence.minutes_short", x=words.number(max(60 * hours, 1)))
    if hours < 48:
        return words.text("sentence.hours_short", x=words.number(hours, 1))
    return words.text("sentence.days_short", x=words.number(hours / 24, 1))


def _tell_answers(row: pd.Series, words: Words) -> list[str]:
    """How many of those who came first are answered, and how soon."""
    told = [
        words.text(
            "sentence.responses",
            base=words.text("sentence.of_client_first", n=row["n_client_first"]),
            n=row["n_answered"],
            waiting=row["n_waiting"],
            closed=row["n_unanswered"],
        )
    ]
    if not row["n_had_hour"] > 0:
        return [*told, words.text("sentence.responses_dates")]
    half = row["median_hours_to_answer"]
    if pd.notna(half):
        told.append(words.text("sentence.responses_half", time=say_hours(half, words)))
    else:
        told.append(words.text("sentence.responses_half_never"))
    told.append(
        words.text("sentence.responses_hour", n=row["n_had_hour"], **_write(row, "hour", words))
    )
    if row["n_had_day"] > 0:
        told.append(
            words.text("sentence.responses_day", n=row["n_had_day"], **_write(row, "day", words))
        )
    return told


def _write(row: pd.Series, span: str, words: Words) -> dict[str, str]:
    """The share answered within an hour or a day, and its interval."""
    name = f"share_within_{span}"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return {"share": words.share(row[name]), "span": words.span(low, high)}


def _tell_attempts(row: pd.Series, words: Words) -> list[str]:
    """How many were tried and reached, and after how many tries the others were given up."""
    told = [
        words.text(
            "sentence.attempts",
            base=words.text("sentence.of_tried", n=row["n_tried"]),
            n=row["n_got_through"],
            trying=row["n_trying"],
            lost=row["n_given_up"],
        )
    ]
    if row["n_got_through"] > 0:
        enough = words.text("sentence.tries", n=row["median_attempts_to_reach"])
        told.append(words.text("sentence.attempts_half", tries=enough))
    if row["n_given_up"] > 0:
        low, high = (row[f"share_given_up_after_one_{side}"] for side in ("low", "high"))
        share = words.share(row["share_given_up_after_one"])
        places = {"share": share, "span": words.span(low, high)}
        told.append(words.text("sentence.attempts_given_up", **places))
    return told
