"""What the name of a stage says of the outcome, where no column tells it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import show_values
from funnel_lib.core.lexicon import find_meaning

# The two ends as the CRMs name them at first; a renamed one is told by the lexicon of stages where
# the deal is known to be closed, or by the mapping's `status_values`.
WON_STAGES = (
    "успешно реализовано", "closed - won", "closed won", "сделка успешна", "deal won", "won",
    "venda ganha", "fechado - ganho", "ganho", "closedwon",
)  # fmt: skip
LOST_STAGES = (
    "закрыто и не реализовано", "closed - lost", "closed lost", "сделка провалена", "deal lost",
    "lost", "venda perdida", "fechado - perdido", "perdido", "closedlost",
    "анализ причины провала", "analyze failure", "некачественный лид", "junk lead",
)  # fmt: skip
_PAID = "paid"


def tell_outcomes(
    stage: pd.Series, closed: pd.Series | None = None, told: dict[str, str] | None = None
) -> pd.Series:
    """Tell won, lost and open by the names of stages.

    Parameters
    ----------
    stage : names
    closed : 1 of a closed deal, 0 of an open one, missing where nothing tells
    told : name in small letters -> status, as the user says; wins

    Returns
    -------
    status: an open deal is open whatever its stage; a closed one has the outcome its stage's name
    means, and none (missing) where the name is not known. Where nothing tells whether a deal is
    closed, it is at `WON_STAGES`, `LOST_STAGES` and what the lexicon of stages calls a lost end,
    and open elsewhere.

    Examples
    --------
    >>> stage = pd.Series(["Closed won", "Оплачено", "Оплачено", "Отказ", "Этап 5"])
    >>> tell_outcomes(stage).tolist()
    ['won', 'open', 'open', 'lost', 'open']
    >>> tell_outcomes(stage, pd.Series([0, 1, 0, 1, 1])).tolist()
    ['open', 'won', 'open', 'lost', nan]
    """
    told = told or {}
    closed = pd.Series(np.nan, index=stage.index) if closed is None else closed
    names = stage.dropna().unique()
    sure = {n: told.get(_plain(n)) or _default_end(n) for n in names}
    likely = {n: end or ("won" if find_meaning(n).step == _PAID else None) for n, end in
              sure.items()}  # fmt: skip
    status = stage.map(sure).astype("str").fillna("open").where(stage.notna())
    status = status.mask(closed == 0, "open")
    status = status.mask(closed == 1, stage.map(likely).astype("str"))
    return tell_by_user(stage, told).fillna(status).astype("str")


def tell_by_user(stage: pd.Series, told: dict[str, str]) -> pd.Series:
    """Tell outcomes as the user says: by the names of stages, without capitals; else missing.

    Examples
    --------
    >>> tell_by_user(pd.Series([" Оплата", "Отказ"]), {"оплата": "won"}).tolist()
    ['won', nan]
    """
    return stage.astype("str").str.strip().str.casefold().map(told).astype("str")


def split_reason(stage: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Part a lost stage from the reason its name gives in brackets.

    Examples
    --------
    >>> [part.tolist() for part in split_reason(pd.Series(["Perdido (caro)", "Demo (online)"]))]
    [['Perdido', 'Demo (online)'], ['caro', nan]]
    """
    parts = stage.astype("str").str.extract(r"^(?P<name>.+?)\s*\((?P<reason>[^()]+)\)$")
    ends = parts["name"].str.casefold().isin(LOST_STAGES)
    return parts["name"].where(ends, stage).astype("str"), parts["reason"].where(ends)


def note_unknown(status: pd.Series, stage: pd.Series, closed: pd.Series) -> tuple:
    """Count closed deals of which nothing tells whether they are won, for `note_checks`."""
    dark = (closed == 1) & status.isna()
    return ("outcome_unknown", dark.sum(), len(status), "warning", show_values(stage[dark]))


def read_ends(is_won: pd.Series, is_lost: pd.Series, is_closed: pd.Series) -> pd.Series:
    """Tell won, lost and open by flags (1, 0, missing); missing where they leave it open which.

    Examples
    --------
    >>> won, lost = pd.Series([1, 0, 0, 0]), pd.Series([None] * 4)
    >>> read_ends(won, lost, pd.Series([1, 1, 0, None])).tolist()
    ['won', 'lost', 'open', nan]
    """
    status = pd.Series(index=is_won.index, dtype="str")
    status = status.mask((is_closed == 0) | ((is_won == 0) & (is_lost == 0)), "open")
    lost = (is_lost == 1) | ((is_closed == 1) & (is_won == 0))
    won = (is_won == 1) | ((is_closed == 1) & (is_lost == 0))
    return status.mask(lost, "lost").mask(won & ~(is_lost == 1), "won")


def learn_ends(stage: pd.Series, status: pd.Series) -> pd.Series:
    """Learn what each stage means from deals that stand there and whose status is sure.

    Examples
    --------
    >>> stage, status = pd.Series(list("AABB")), pd.Series(["won", None, "open", "lost"])
    >>> learn_ends(stage, status).to_dict()
    {'A': 'won'}
    """
    known = pd.DataFrame({"stage": stage, "status": status}).dropna().drop_duplicates()
    known = known[~known["stage"].duplicated(keep=False)]
    return known.set_index("stage")["status"]


def tell_ends(
    stage: pd.Series, sure: pd.Series, closed: pd.Series, told: dict[str, str]
) -> tuple[pd.Series, list[tuple]]:
    """Tell the outcomes of deals: as the user says, else what is sure, else by the stage's name.

    Parameters
    ----------
    stage : names; missing where only an id is known, which tells nothing
    sure : won, lost, open, or missing: what flags say
    closed, told : of `tell_outcomes`

    Returns
    -------
    (status, tuples for `note_checks`)
    """
    sure = tell_by_user(stage, told).fillna(sure)
    by_name = tell_outcomes(stage, closed, told)
    guessed = sure.isna() & by_name.isin(["won", "lost"])
    ends = show_values(stage[guessed])
    status = sure.fillna(by_name)
    return status, [
        ("outcome_by_stage_name", guessed.sum(), len(stage), "warning", ends),
        note_unknown(status, stage, closed),
    ]


def _default_end(name: str) -> str | None:
    plain = _plain(name)
    if plain in WON_STAGES:
        return "won"
    if plain in LOST_STAGES or find_meaning(name).end == "lost":
        return "lost"
    return None


def _plain(name: str) -> str:
    return name.strip().casefold()
