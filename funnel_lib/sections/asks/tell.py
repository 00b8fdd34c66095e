"""Sentences on whether proposing the next step helps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.stats.differences import MOST_P
from funnel_lib.stats.experiments import Z

MOST_STEPS = 5  # told one by one


def tell_asks(asks: pd.DataFrame, words: Words) -> str:
    """Does proposing help, and where would it help most leads? Empty where the log has no
    proposals.

    Of the places where the difference is beyond chance, the one where it is largest times the leads
    to whom the step was never proposed.

    Examples
    --------
    >>> asks = pd.DataFrame([{
    ...     "segment": "all", "step": "meet", "n_asked": 200, "n_not_asked": 335,
    ...     "n_not_asked_went_on": 150, "difference": 0.4, "low": 0.34, "high": 0.46,
    ...     "beyond_chance": True, "share_asked": 0.85, "share_not_asked": 0.45}])
    >>> tell_asks(asks, Words("en", {"meet": "Met us"})).split(". ")[1][:26]
    'At “Met us”, 85% of the un'
    """
    if asks.empty:
        return ""
    told, main = list_told(asks), _find_main(asks)
    if told.empty:
        return _tell_together(asks, words) or words.text("sentence.asks_few")
    if main is None:
        worse = int(find_worse(told).sum())
        key = "sentence.asks_worse" if worse else "sentence.asks_chance"
        return words.text(key, n=len(told), worse=worse)
    return words.text("sentence.asks_help", **_describe(main))


def tell_proposing(asks: pd.DataFrame, words: Words) -> str:
    """How many go on when the next step is proposed, and when it is not, in one short sentence?

    The least and the largest shares of all places, where at several the difference is beyond chance
    and at none the other way round; else of the place where it is. Empty where there is none.
    """
    told, main = list_told(asks), _find_main(asks)
    if main is None or main["difference"] <= 0:
        return ""
    if told["beyond_chance"].sum() < 2 or (told["difference"] <= 0).any():
        return words.text("page.asks_one", **main)
    shares = {
        name: _write_percents(told[f"share_{name}"], words) for name in ("asked", "not_asked")
    }
    key = "page.asks_several" if len(told) == len(asks) else "page.asks_part"
    return words.text(key, n=len(told), of=len(asks), **shares)


def tell_unproven(asks: pd.DataFrame, words: Words) -> str:
    """That it is not known whether proposing helps, or that fewer go on where it is done, in a
    short sentence: beside how many were never proposed to."""
    return words.text("page.asks_worse" if find_worse(asks).any() else "page.asks_unknown")


def _write_percents(shares: pd.Series, words: Words) -> str:
    """The least and the largest of some shares, in whole percents."""
    least, most = (words.number(100 * x) for x in (shares.min(), shares.max()))
    highest = words.percent(shares.max())
    return highest if least == most else f"{least}–{highest}"


def tell_asks_by_step(asks: pd.DataFrame, words: Words) -> list[str]:
    """Does proposing help, and at each step by how much? The first is not told twice."""
    if asks.empty:
        return [words.text("sentence.asks_none")]
    told, main, said = list_told(asks), _find_main(asks), [tell_asks(asks, words)]
    worse = find_worse(told)
    for place, row in told.head(MOST_STEPS).iterrows():
        if main is None or place != main.name:
            key = "sentence.asks_step_worse" if worse[place] else "sentence.asks_step_chance"
            key = "sentence.asks_step" if row["beyond_chance"] else key
            said.append(words.text(key, place=_name_place(row, words), **row))
    if told.empty:
        return said
    together = _tell_together(asks, words)
    untold = int((asks["difference"].isna() & ~asks["with_step"].astype(bool)).sum())
    said += [together] * bool(together)
    return said + [words.text("sentence.asks_untold", n=untold)] * bool(untold)


def _tell_together(asks: pd.DataFrame, words: Words) -> str:
    """At which steps the proposal is recorded together with the step; empty where at none."""
    rows = asks[asks["with_step"].astype(bool)]
    places = ", ".join(_name_place(row, words) for _, row in rows.iterrows())
    return words.text("sentence.asks_with_step", n=len(rows), places=places) if places else ""


def _find_main(asks: pd.DataFrame) -> pd.Series | None:
    """Where proposing more would bring most, of the places where it helps beyond chance."""
    told = list_told(asks)
    sure = told[told["beyond_chance"].astype(bool)]
    return None if sure.empty else sure.iloc[0]


def find_worse(asks: pd.DataFrame) -> pd.Series:
    """At which places do fewer go on after a proposal, beyond chance of all that are told
    (Bonferroni; the error from the interval)?"""
    from scipy.stats import norm

    z = asks["difference"] / (asks["high"] - asks["low"]) * 2 * Z
    p = pd.Series(norm.cdf(z.to_numpy(float)), asks.index)
    return p * max(asks["difference"].notna().sum(), 1) < MOST_P / 2


def list_told(asks: pd.DataFrame) -> pd.DataFrame:
    """Keep the places that can be told of: those where proposing more would bring most first."""
    told = asks[asks["difference"].notna()]
    gain = (told["n_not_asked"] * told["difference"]).sort_values(ascending=False, kind="stable")
    return told.loc[gain.index]


def _describe(row: pd.Series) -> dict[str, Any]:
    """A row, and its difference in whole points."""
    ends = {"more": "difference", "least": "low", "most": "high"}
    return row.to_dict() | {name: 100 * row[column] for name, column in ends.items()}


def _name_place(row: pd.Series, words: Words) -> str:
    """The step, and on which path, where not all come through the place."""
    key = "sentence.quoted" if row["segment"] == "all" else "sentence.asks_place"
    return words.text(key, **row)
