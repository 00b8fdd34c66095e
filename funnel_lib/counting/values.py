"""Which group each lead is in: by a column, by a period of entry."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, quote_some, suggest
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.ordering import as_category
from funnel_lib.core.tables import write_codes
from funnel_lib.core.times import NEVER, localize, read_window

PERIODS = ("month", "quarter")
LATER = ("status", "closed_at", "sold_at", "entered_at", "loss_reason", "stage")  # outcome, in part


def read_values(journeys: Journeys, by: str) -> pd.Series:
    """Which group is each lead in: its text in a column, or its month or quarter of entry?

    Texts, "" where there is none. ``month`` and ``quarter`` (in the user's time zone, such as
    ``2025-03`` and ``2025-Q1``) are the lead's own columns where it has such. Raises `InputError`
    where there is no such column, or it is known only after the outcome.
    """
    return write_codes(*code_values(journeys, by)).fillna("")


def code_values(journeys: Journeys, by: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The same as codes, (n_leads,), -1 where there is none, and the names in their order.

    The result is kept with the journeys, as most comparisons ask for it.
    """
    key = "values", by
    if key not in journeys.kept:
        journeys.kept[key] = _code_values(journeys, by)
    return journeys.kept[key]


def _code_values(journeys: Journeys, by: str) -> tuple[np.ndarray, tuple[str, ...]]:
    leads = journeys.leads
    if by in LATER:
        raise InputError(
            [f"{by!r} is known only later than the steps: it cannot tell groups apart"]
        )
    if by in leads:
        known = as_category(leads[by].mask(leads[by].eq("")))
        return known.codes, tuple(known.categories)
    if by not in PERIODS:
        known = [*leads.columns, *PERIODS]
        found = quote_some(leads.columns, most=20)
        raise InputError([f"no column {by!r} of the leads{suggest(by, known)}; found {found}"])
    return code_periods(leads["entered_at"], by, journeys.time_zone)


def check_equal_time(journeys: Journeys, by: str, within) -> None:
    """Raise an `InputError` where periods are compared without equal time: of the leads of a young
    one only the quick have decided, and it would look different for that alone."""
    if by in PERIODS and by not in journeys.leads and read_window(within) == NEVER:
        raise InputError([
            f"to compare by {by}, leads need equal time: give within, such as 60D (only leads "
            "followed so long count, and only what they did by then)"
        ])  # fmt: skip


def name_periods(times: pd.Series, period: str, time_zone: str = "UTC") -> pd.Series:
    """Write the month (2025-03) or quarter (2025-Q1) of times in a time zone, "" where there is
    none.

    Examples
    --------
    >>> night = pd.Series(pd.to_datetime(["2025-03-31 22:30Z"]))
    >>> [name_periods(night, "month", zone)[0] for zone in ("UTC", "Europe/Moscow")]
    ['2025-03', '2025-04']
    """
    return write_codes(*code_periods(times, period, time_zone)).fillna("").set_axis(times.index)


def code_periods(
    times: pd.Series, period: str, time_zone: str = "UTC"
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The same as codes, -1 where there is none, and the names in their order."""
    local = times.dt.tz_convert(time_zone).dt.tz_localize(None)
    codes, spans = pd.factorize(local.dt.to_period(period[0].upper()), sort=True)
    if period == "month":
        return codes.astype(np.int32), tuple(f"{span.year}-{span.month:02}" for span in spans)
    return codes.astype(np.int32), tuple(f"{span.year}-Q{span.quarter}" for span in spans)


def code_quarters(journeys: Journeys) -> tuple[np.ndarray, tuple[str, ...]]:
    """In which quarter (2025-Q2, in the user's time zone) did each lead enter, as codes, -1 if it
    never did, and the quarters in their order? Kept with the journeys."""
    if "quarters" not in journeys.kept:
        entered = journeys.leads["entered_at"]
        journeys.kept["quarters"] = code_periods(entered, "quarter", journeys.time_zone)
    return journeys.kept["quarters"]


def name_quarter(moment: pd.Timestamp, time_zone: str = "UTC") -> str:
    """In which quarter (2025-Q2) of a time zone is a moment?"""
    return name_periods(pd.Series([moment]), "quarter", time_zone)[0]


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


def read_day(day: pd.Timestamp | str, name: str, time_zone: str = "UTC") -> pd.Timestamp:
    """Read an ISO day or time, taken in a time zone where it has none of its own, as a moment in
    UTC; `name` is for the message."""
    try:
        if isinstance(day, str):  # pandas would guess 03.04.2025, "today" and "July", too
            day = datetime.fromisoformat(day)
        if pd.isna(day) or not isinstance(day, date):
            raise ValueError
    except (ValueError, TypeError):
        raise InputError([f"{name} {day!r} is no date; write it as 2025-03-01"]) from None
    read = pd.Timestamp(day)
    return (localize(read, time_zone) if read.tzinfo is None else read).tz_convert("UTC")
