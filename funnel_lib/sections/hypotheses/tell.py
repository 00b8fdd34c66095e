"""Sentences on what to change first, what it is worth, and how to find out."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words

YEAR = 365  # days beyond which a test is no plan


def tell_start(hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
    """With what to begin, what may it bring a month, how long does it take to find out?

    Parameters
    ----------
    hypotheses : what `hypotheses.build_hypotheses` returns
    segments : the audit's table, for the names
    words : the reader's language

    Examples
    --------
    >>> row = {"segment": "all", "step": "pay", "lever": "ask", "reference": "manager=Anna",
    ...        "extra_won": 9.0, "extra_amount": 900.0, "low": 240.0, "high": 1200.0,
    ...        "currency": "EUR", "n_needed_per_arm": 200.0, "days_needed": 40.0, "step_won": 9.0,
    ...        "step_amount": 900.0, "months": 12.0}
    >>> tell_start(pd.DataFrame([row]), pd.DataFrame({"segment": ["all"]}), Words("en"))
    'Start with the step “pay”: propose it to everyone. To be expected: €20 – €100 a month; a test
    takes 40 days.'

    Of the hypotheses beyond chance that can be tested in a year, the one with most at stake.
    """
    sure = list_beyond(hypotheses)
    if sure.empty:
        return tell_nothing(hypotheses, words)
    quick = sure[sure["days_needed"] <= YEAR]
    row = _find_larger_lever(quick if len(quick) else sure)
    told = words.text(
        "sentence.start",
        step=words.step(row["step"]),
        place=_tell_place(row, segments, words),
        action=words.value("advice", row["lever"]),
        gain=tell_gain(row, words, row["months"]),
    )
    told += " " + _tell_test(row, words)
    most = sure.iloc[0]
    if (most["segment"], most["step"]) != (row["segment"], row["step"]):
        told += " " + words.text("sentence.start_later", step=words.step(most["step"]))
    return told


def tell_hypotheses(hypotheses: pd.DataFrame, words: Words) -> str:
    """How many steps have something at stake, and of how many can nothing be told?

    Parameters
    ----------
    hypotheses : what `hypotheses.build_hypotheses` returns
    words : the reader's language

    Examples
    --------
    >>> row = {"segment": "all", "step": "pay", "extra_won": 9.0, "extra_amount": float("nan"),
    ...        "low": 2.0, "currency": "", "reference": "manager=Anna"}
    >>> tell_hypotheses(pd.DataFrame([row]), Words("en"))
    'Steps with something to gain: 1; of them beyond chance: 1. No amounts are known: everything is
    told in deals.'
    """
    steps = hypotheses.drop_duplicates(["segment", "step", "currency"])
    sure = list_sure(hypotheses).drop_duplicates(["segment", "step", "currency"])
    told = [
        words.text("sentence.hypotheses", n=len(sure), sure=int((sure["low"] > 0).sum()))
        if len(sure)
        else tell_nothing(hypotheses, words)
    ]
    few = steps["reference"].isin(["few_leads", "no_group"]).sum()
    if few:
        told.append(words.text("sentence.hypotheses_few", few=few))
    if len(sure) and not sure["extra_amount"].notna().any():
        told.append(words.text("sentence.in_deals"))
    elif len(sure["currency"].unique()) > 1:
        told.append(words.text("sentence.by_currency"))
    return " ".join(told)


def tell_assumptions(words: Words) -> list[str]:
    """What must hold for the money at stake to be right?

    Examples
    --------
    >>> len(tell_assumptions(Words("en")))
    4
    """
    return [
        words.text("sentence.assume_reach"),
        words.text("sentence.assume_rest"),
        words.text("sentence.assume_mix"),
        words.text("sentence.assume_range"),
    ]


def list_sure(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Keep the hypotheses of which a gain can be told, in their order.

    Examples
    --------
    >>> list_sure(pd.DataFrame({"extra_won": [1.0, 0.0, None]}))
       extra_won
    0        1.0
    """
    return hypotheses[hypotheses["extra_won"] > 0]


def list_beyond(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Keep the hypotheses whose gain is beyond chance: its range begins above 0; in their order.

    Examples
    --------
    >>> list_beyond(pd.DataFrame({"extra_won": [1.0, 1.0, 0.0], "low": [0.0, 0.2, 0.0]}))
       extra_won  low
    1        1.0  0.2
    """
    sure = list_sure(hypotheses)
    return sure[sure["low"] > 0]


def tell_nothing(hypotheses: pd.DataFrame, words: Words) -> str:
    """Why is there nothing to start with: no gain beyond chance, or none that can be told?

    Examples
    --------
    >>> tell_nothing(pd.DataFrame({"extra_won": [1.0]}), Words("en"))
    'No step shows a gain that is beyond chance.'
    """
    told = hypotheses["extra_won"].notna().any()
    return words.text("sentence.start_chance" if told else "sentence.start_none")


def tell_gain(row: pd.Series, words: Words, months: float = 1, part: str = "") -> str:
    """Write the range of a gain: money, or deals where no amounts are known.

    Parameters
    ----------
    row : of the hypotheses
    words : the reader's language
    months : to divide by
    part : "step_" for both levers together

    Returns
    -------
    The range, its ends with two digits: more would claim too much; "up to" where it begins at 0

    Examples
    --------
    >>> row = {"extra_amount": float("nan"), "low": 1.0, "high": 2.5, "currency": ""}
    >>> tell_gain(pd.Series(row), Words("en"))
    '1.0 – 2.5 deals'
    """
    low, high = (_round(row[f"{part}{end}"] / months) for end in ("low", "high"))
    in_deals = pd.isna(row["extra_amount"])
    ends = {"high": high} | ({"low": low} if low > 0 else {})
    for end, x in ends.items():
        ends[end] = (
            words.number(x, 1 if x >= 0.1 or x == 0 else 3)
            if in_deals
            else words.money(x, row["currency"])
        )
    if in_deals:
        key = "sentence.deals_range" if low > 0 else "sentence.deals_up_to"
    else:
        key = "sentence.range" if low > 0 else "sentence.up_to"
    return words.text(key, **ends)


def name_segment(segment: str, segments: pd.DataFrame, words: Words) -> str:
    """Name a segment as its card does.

    Examples
    --------
    >>> name_segment("s1", pd.DataFrame({"segment": ["s1"], "name": ["with demo"]}), Words("en"))
    'with the step “demo”'
    """
    if "name" not in segments:
        return words.value("segment", segment)
    names = segments.set_index("segment")["name"]
    return words.value("name", names[segment]) if segment in names else segment


def tell_plan(row: pd.Series, words: Words) -> str:
    """How is a hypothesis tested, on how many leads, for how long?

    Examples
    --------
    >>> row = pd.Series({"n_needed_per_arm": 200.0, "days_needed": 40.0})
    >>> tell_plan(row, Words("en"))
    'Test: 200 leads in each half, at the present inflow 40 days and the time the last ones need to
    decide.'
    """
    if pd.isna(row["n_needed_per_arm"]):
        return words.text("sentence.plan_never" if _has_gain(row) else "sentence.plan_none")
    leads = words.text("sentence.leads", n=row["n_needed_per_arm"])
    if row["days_needed"] > YEAR:
        return words.text("sentence.plan_slow", leads=leads)
    return words.text("sentence.plan", leads=leads, days=words.days(row["days_needed"]))


def _find_larger_lever(hypotheses: pd.DataFrame) -> pd.Series:
    """The lever of the first step that brings more."""
    first = hypotheses.iloc[0]
    alike = [hypotheses[c] == first[c] for c in ("segment", "step", "currency")]
    return hypotheses.loc[hypotheses[alike[0] & alike[1] & alike[2]]["extra_won"].idxmax()]


def _tell_place(row: pd.Series, segments: pd.DataFrame, words: Words) -> str:
    if len(segments) < 2:
        return ""
    return words.text("sentence.in_segment", name=name_segment(row["segment"], segments, words))


def _round(x: float) -> float:
    """Round to two digits that count."""
    return float(f"{x:.1e}")


def _has_gain(row: pd.Series) -> bool:
    """Is there a gap to be shown, so that only the leads are lacking?"""
    return row.get("share_reference", 0) > row.get("share_now", 0)


def _tell_test(row: pd.Series, words: Words) -> str:
    if pd.isna(row["days_needed"]):
        return words.text("sentence.test_never")
    if row["days_needed"] > YEAR:
        return words.text("sentence.test_slow")
    return words.text("sentence.test_days", days=words.days(row["days_needed"]))
