"""Sentences about comparisons: groups, changes, tests, before and after."""

from __future__ import annotations

import pandas as pd

from funnel_lib.experiments import WON_WITHIN
from funnel_lib.labels import Words

MOST_P = 0.05
MOST_PARTS = 3
MOST_MONTHS = 12
_PERIODS = {"month": "sentence.by_month", "quarter": "sentence.by_quarter"}


def tell_comparison(table: pd.DataFrame, words: Words) -> str:
    """Which groups of leads differ, and at which steps?

    Parameters
    ----------
    table : what `compare.compare_groups` returns
    words : the reader's language

    Examples
    --------
    >>> table = pd.DataFrame({"step": "pay", "column": "manager", "value": ["Anna", "Boris"],
    ...     "against": "", "share": [0.6, 0.35], "share_rest": [0.3, 0.36], "low": [0.2, -0.1],
    ...     "difference": [0.3, -0.01], "high": [0.4, 0.1], "p": [0.001, 0.8],
    ...     "p_holm": [0.002, 0.8], "is_small": False})
    >>> tell_comparison(table, Words("en"))
    'Manager: differences beyond chance, corrected for 2 comparisons: “Anna” at “pay” 60.0% against
    30.0% of the others (difference +30.0 percentage points, 95% interval from +20.0 to +40.0
    points). Groups may get different leads, so a difference need not be their work.'
    """
    if table.empty:
        return words.text("sentence.compare_one")
    tested = table[table["p_holm"].notna()]
    found = tested[tested["p_holm"] < MOST_P].sort_values(["p_holm", "p"], kind="stable")
    by = _name_column(table["column"].iloc[0], words)
    if tested.empty:
        return words.text("sentence.compare_untested", by=by)
    if found.empty:
        told = [words.text("sentence.compare_none", by=by, n=len(tested))]
    else:
        parts = [_tell_group(row, words) for row in found.head(MOST_PARTS).itertuples()]
        if len(found) > MOST_PARTS:
            parts.append(words.text("sentence.compare_more", n=len(found) - MOST_PARTS))
        parts = "; ".join(parts)
        told = [words.text("sentence.compare_found", by=by, n=len(tested), parts=parts)]
    n_small = int(table["is_small"].sum())
    if n_small:
        told.append(words.text("sentence.compare_small", n=n_small, of=len(table)))
    if len(found):
        told.append(words.text("sentence.compare_cause"))
    return " ".join(told)


def tell_change(table: pd.DataFrame, words: Words) -> str:
    """How did the share of buyers change, and how much of it is owed to other segments?

    Parameters
    ----------
    table : what `compare.split_change` returns
    words : the reader's language

    Examples
    --------
    >>> table = pd.DataFrame({"column": ["quarter"], "before": ["2025-Q1"], "after": ["2025-Q2"],
    ...     "n_before": [400.0], "n_after": [500.0], "share_won_before": [0.3],
    ...     "share_won_after": [0.2],
    ...     "difference": [-0.1], "low": [-0.16], "high": [-0.04], "mix": [-0.08], "rate": [-0.02],
    ...     "mix_low": [-0.12], "mix_high": [-0.05], "rate_low": [-0.05], "rate_high": [0.01]})
    >>> tell_change(pd.concat([table] * 3), Words("en"))
    'The share of buyers was 30.0% (2025-Q1, of 400) and is 20.0% (2025-Q2, of 500): −10.0
    percentage points, 95% interval from −16.0 to −4.0 points. Of this, −8.0 percentage points
    (from −12.0 to −5.0 points) because segments became larger or smaller, and −2.0 percentage
    points (from −5.0 to +1.0 points) because more or fewer of the same segment buy.'
    """
    row = table.iloc[0]
    names = {name: words.value(row["column"], row[name]) for name in ("before", "after")}
    if pd.isna(row["difference"]):
        return words.text("sentence.change_nobody", **names)
    shares = {f"share_{name}": words.share(row[f"share_won_{name}"]) for name in names}
    counts = {f"n_{name}": row[f"n_{name}"] for name in names}
    told = [words.text("sentence.change", **names, **shares, **counts, **_tell_gap(row, words))]
    if not _excludes_zero(row["low"], row["high"]):
        told.append(words.text("sentence.change_unsure"))
    if len(table) == 1:
        return " ".join([*told, words.text("sentence.change_one")])
    told.append(
        words.text(
            "sentence.change_parts",
            mix=_points(row["mix"], words),
            mix_span=_span(row["mix_low"], row["mix_high"], words),
            rate=_points(row["rate"], words),
            rate_span=_span(row["rate_low"], row["rate_high"], words),
        )
    )
    return " ".join(told)


def tell_split(reading: pd.DataFrame, words: Words) -> str:
    """What does a test show, and is it decided?

    Parameters
    ----------
    reading : what `experiments.read_split` returns
    words : the reader's language

    Examples
    --------
    >>> reading = pd.DataFrame({"test": ["new"], "control": ["old"], "measure": ["pay"],
    ...     "n_test": [200.0], "n_control": [210.0], "share_test": [0.4], "share_control": [0.3],
    ...     "difference": [0.1], "low": [0.01], "high": [0.19], "share_of_plan": [0.5],
    ...     "is_early": [True], "looked_before": [False], "valid_low": [-0.05],
    ...     "valid_high": [0.25], "is_small": [False]})
    >>> tell_split(reading, Words("en"))
    'Went on at “pay”: “new” 40.0% of 200, “old” 30.0% of 210; difference +10.0 percentage points,
    95% interval from +1.0 to +19.0 points. The test is read early, at 50.0% of the plan. The
    interval that allows for looking early: from −5.0 to +25.0 points. This interval includes zero:
    nothing is decided; go on until the plan is full.'
    """
    row = reading.iloc[0]
    arms = {"test": row["test"], "control": row["control"]}
    if pd.isna(row["difference"]):
        return words.text("sentence.split_nobody", **arms)
    result = words.text(
        "sentence.split",
        what=_name_measure(row, words),
        share_test=words.share(row["share_test"]),
        share_control=words.share(row["share_control"]),
        n_test=row["n_test"],
        n_control=row["n_control"],
        **arms,
        **_tell_gap(row, words),
    )
    told = [result, *_tell_looks(row, words)]
    if pd.notna(row["valid_low"]):
        told.append(_tell_verdict(row, words))
    return " ".join(told) + _if_small(row, words)


def tell_before_after(reading: pd.DataFrame, trend: pd.DataFrame, words: Words) -> str:
    """Do more go on since a change, and why is that no proof?

    Parameters
    ----------
    reading : what `experiments.read_before_after` returns
    trend : what `experiments.count_trend` returns, the same step; its last `MOST_MONTHS` are told
    words : the reader's language

    Examples
    --------
    >>> reading = pd.DataFrame({"measure": ["pay"], "n_before": [300.0], "n_after": [280.0],
    ...     "changed_at": pd.to_datetime(["2025-03-01"], utc=True), "share_before": [0.3],
    ...     "share_after": [0.4], "difference": [0.1], "low": [0.02], "high": [0.18],
    ...     "is_small": [False]})
    >>> trend = pd.DataFrame({"month": ["2025-02"], "n_base": [150.0], "share": [0.3]})
    >>> tell_before_after(reading, trend, Words("en"))
    '“pay”: before 1 Mar 2025 30.0% of 300 went on, since then 40.0% of 280; difference +10.0
    percentage points, 95% interval from +2.0 to +18.0 points. This interval excludes zero:
    chance alone would hardly do that. This is no experiment: all else that changed at the time is
    in it, too. By month of entry: 2025-02 30.0% of 150. See whether the change shows there, or had
    begun before.'
    """
    row = reading.iloc[0]
    named = {"step": words.step(row["measure"]), "day": words.date(row["changed_at"])}
    if pd.isna(row["difference"]):
        return words.text("sentence.before_after_nobody", **named)
    result = words.text(
        "sentence.before_after",
        share_before=words.share(row["share_before"]),
        share_after=words.share(row["share_after"]),
        n_before=row["n_before"],
        n_after=row["n_after"],
        **named,
        **_tell_gap(row, words),
    )
    sure = _excludes_zero(row["low"], row["high"])
    key = "sentence.before_after_sure" if sure else "sentence.before_after_open"
    told = [result, words.text(key), words.text("sentence.before_after_cause")]
    months = [
        words.text(
            "sentence.before_after_month", month=r.month, share=words.share(r.share), n=r.n_base
        )
        for r in trend[trend["n_base"] > 0].tail(MOST_MONTHS).itertuples()
    ]
    if months:
        told.append(words.text("sentence.before_after_trend", months=", ".join(months)))
    return " ".join(told) + _if_small(row, words)


def _tell_group(row, words: Words) -> str:
    against = words.text("sentence.compare_rest")
    if row.against:
        against = words.text("sentence.compare_named", value=row.against)
    return words.text(
        "sentence.compare_part",
        value=row.value or words.text("sentence.no_value"),
        step=words.step(row.step),
        share=words.share(row.share),
        rest=words.share(row.share_rest),
        against=against,
        difference=_points(row.difference, words),
        span=_span(row.low, row.high, words),
    )


def _tell_looks(row: pd.Series, words: Words) -> list[str]:
    """What looking early, or before, does to the interval; nothing where nobody did."""
    if row["looked_before"] and pd.isna(row["valid_low"]):
        return [words.text("sentence.split_no_plan")]
    span = _span(row["valid_low"], row["valid_high"], words)
    if row["is_early"]:
        share = words.share(row["share_of_plan"])
        return [words.text("sentence.split_early", share=share, span=span)]
    return [words.text("sentence.split_looked", span=span)] if row["looked_before"] else []


def _tell_verdict(row: pd.Series, words: Words) -> str:
    if _excludes_zero(row["valid_low"], row["valid_high"]):
        better = row["difference"] > 0
        key = "sentence.split_better" if better else "sentence.split_worse"
        return words.text(key, test=row["test"])
    return words.text("sentence.split_wait" if row["is_early"] else "sentence.split_open")


def _name_measure(row: pd.Series, words: Words) -> str:
    if row["measure"] == WON_WITHIN and pd.notna(row["horizon_days"]):
        return words.text("sentence.split_won", day=row["horizon_days"])
    return words.text("sentence.split_step", step=words.step(row["measure"]))


def _name_column(column: str, words: Words) -> str:
    key = _PERIODS.get(column)
    name = words.text(key) if key else words.value("fact", column)
    return name[:1].upper() + name[1:]


def _tell_gap(row: pd.Series, words: Words) -> dict[str, str]:
    return {
        "difference": _points(row["difference"], words),
        "span": _span(row["low"], row["high"], words),
    }


def _points(difference: float, words: Words) -> str:
    return words.text("sentence.points", x=_sign(difference, words))


def _span(low: float, high: float, words: Words) -> str:
    return words.text("sentence.points_span", low=_sign(low, words), high=_sign(high, words))


def _sign(difference: float, words: Words) -> str:
    """A difference of shares in percentage points, with its sign."""
    shown = words.number(abs(100 * difference), 1)
    if pd.isna(difference) or shown == words.number(0, 1):
        return shown
    return ("+" if difference > 0 else "−") + shown


def _excludes_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _if_small(row: pd.Series, words: Words) -> str:
    return " " + words.text("sentence.hint") if row["is_small"] else ""
