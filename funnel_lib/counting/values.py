"""Which group each lead is in: by a column, by a period of entry."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd

from funnel_lib.core.errors import InputError, quote_some, suggest
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import NEVER
from funnel_lib.counting.reach import read_window

PERIODS = ("month", "quarter")
LATER = ("status", "closed_at", "sold_at", "entered_at", "loss_reason", "stage")  # outcome, in part


def read_values(journeys: Journeys, by: str) -> pd.Series:
    """Which group is each lead in: its text in a column, or its month or quarter of entry?

    Texts, "" where there is none. ``month`` and ``quarter`` (UTC, such as ``2025-03`` and
    ``2025-Q1``) are the lead's own columns where it has such. Raises `InputError` where there is no
    such column, or it is known only after the outcome.
    """
    leads = journeys.leads
    if by in LATER:
        raise InputError(
            [f"{by!r} is known only later than the steps: it cannot tell groups apart"]
        )
    if by in leads:
        return leads[by].astype("str").fillna("")
    if by not in PERIODS:
        known = [*leads.columns, *PERIODS]
        found = quote_some(leads.columns, most=20)
        raise InputError([f"no column {by!r} of the leads{suggest(by, known)}; found {found}"])
    return name_periods(leads["entered_at"], by)


def check_equal_time(journeys: Journeys, by: str, within) -> None:
    """Raise an `InputError` where periods are compared without equal time: of the leads of a young
    one only the quick have decided, and it would look different for that alone."""
    if by in PERIODS and by not in journeys.leads and read_window(within) == NEVER:
        raise InputError([
            f"to compare by {by}, leads need equal time: give within, such as 60D (only leads "
            "followed so long count, and only what they did by then)"
        ])  # fmt: skip


def name_periods(times: pd.Series, period: str) -> pd.Series:
    """Write the month (2025-03) or quarter (2025-Q1) of times in UTC, "" where there is none."""
    times = times.dt.tz_convert("UTC")
    if period == "month":
        return times.dt.strftime("%Y-%m").astype("str").fillna("")
    quarter = times.dt.quarter.astype("Int64").astype("str")
    return (times.dt.strftime("%Y-Q") + quarter).fillna("")


def check_values(values: pd.Series, column: str, wanted: tuple[str, ...]) -> None:
    """Raise an `InputError` for values that no lead has in a column."""
    known = sorted(set(values) - {""})
    found = f"found {quote_some(known, most=12)}" if known else "no lead has any"
    problems = [
        f"no lead has {value!r} in the column {column!r}{suggest(value, known)}; {found}"
        for value in dict.fromkeys(map(str, wanted))
        if value not in set(values)
    ]
    if problems:
        raise InputError(problems)


def read_day(day: pd.Timestamp | str, name: str) -> pd.Timestamp:
    """Read an ISO day or time, taken as UTC where it has no zone; `name` is for the message."""
    try:
        if isinstance(day, str):  # pandas would guess 03.04.2025, "today" and "July", too
            day = datetime.fromisoformat(day)
        if pd.isna(day) or not isinstance(day, date):
            raise ValueError
    except (ValueError, TypeError):
        raise InputError([f"{name} {day!r} is no date; write it as 2025-03-01"]) from None
    read = pd.Timestamp(day)
    return read.tz_localize("UTC") if read.tzinfo is None else read.tz_convert("UTC")
