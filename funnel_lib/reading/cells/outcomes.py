"""What the name of a stage says of the outcome, where no column says it."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pandas as pd

from funnel_lib.core.events import STATUSES
from funnel_lib.reading.columns import STATUS_WORDS, STEMS
from funnel_lib.reading.ledger import Ledger
from funnel_lib.reading.lexicon import find_meaning

# The two ends as the CRMs name them at first; a renamed one is known by the lexicon of stages where
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


def read_outcomes(words: pd.Series, given: dict[str, str] | None = None) -> pd.Series:
    """Won, lost or open, by the words of a column of statuses; missing where they do not say.

    `given` (of `Mapping.outcomes`) wins; then whole words that are known, then stems, as
    people write statuses in many forms: what is lost is looked for first ("не реализовано"), what
    is under way before what is won ("ожидаем оплату").

    Examples
    --------
    >>> words = ["Успешно реализована", "Купил у других", "В процессе оплаты", "Закрыт"]
    >>> read_outcomes(pd.Series(words)).tolist()
    ['won', 'lost', 'open', nan]
    """
    exact = STATUS_WORDS | (given or {})
    plain = words.str.strip().str.casefold().str.replace("ё", "е")
    known = {}
    for word in plain.dropna().unique():
        text = _plain(word)
        stem = next((s for s, pattern in _find_stems().items() if pattern.search(text)), None)
        known[word] = exact.get(word) or exact.get(text) or (stem if stem in STATUSES else None)
    known |= given or {}
    return plain.map(known).astype("str")


@cache
def _find_stems() -> dict[str, re.Pattern]:
    """What no stem says comes first, then lost, open, won."""
    order = ("none", "lost", "open", "won")
    return {s: re.compile(rf"\b(?:{STEMS[s].replace(', ', '|')})") for s in order}


def infer_outcomes(
    stage: pd.Series, closed: pd.Series | None = None, given: dict[str, str] | None = None
) -> pd.Series:
    """Won, lost or open, by the names of stages?

    `closed` is 1 of a closed deal, 0 of an open one, missing where nobody knows; `given` is of
    `take_given_outcomes`, and wins. An open deal is open whatever its stage; a closed one has the
    outcome its stage's name means, and none (missing) where the name is not known. Where nobody
    knows whether a deal is closed, it is at `WON_STAGES`, `LOST_STAGES` and what the lexicon of
    stages calls a lost end, and open elsewhere.

    Examples
    --------
    >>> stage = pd.Series(["Closed won", "Оплачено", "Оплачено", "Отказ", "Этап 5"])
    >>> infer_outcomes(stage).tolist()
    ['won', 'open', 'open', 'lost', 'open']
    >>> infer_outcomes(stage, pd.Series([0, 1, 0, 1, 1])).tolist()
    ['open', 'won', 'open', 'lost', nan]
    """
    given = given or {}
    closed = pd.Series(np.nan, index=stage.index) if closed is None else closed
    names = stage.dropna().unique()
    sure = {n: given.get(_spell(n)) or _default_end(n) for n in names}
    likely = {n: end or ("won" if find_meaning(n).step == _PAID else None) for n, end in
              sure.items()}  # fmt: skip
    status = stage.map(sure).astype("str").fillna("open").where(stage.notna())
    status = status.mask(closed == 0, "open")
    status = status.mask(closed == 1, stage.map(likely).astype("str"))
    return take_given_outcomes(stage, given).fillna(status).astype("str")


def take_given_outcomes(stage: pd.Series, given: dict[str, str]) -> pd.Series:
    """Outcomes that the user gives stages, by their names in small letters; else missing."""
    return stage.map({name: given.get(_spell(name)) for name in stage.dropna().unique()}).astype(
        "str"
    )


def _spell(name: str) -> str:
    """A name as `Mapping.outcomes` spells it."""
    return name.strip().casefold().replace("ё", "е")


def settle_outcomes(
    stage: pd.Series, sure: pd.Series, closed: pd.Series, given: dict[str, str], ledger: Ledger
) -> pd.Series:
    """What became of deals: as the user says, else what is sure, else by the stage's name.

    A stage whose name is missing, as only its id is known, says nothing. What is guessed by a name
    is noted, and closed deals whose outcome nobody knows.
    """
    sure = take_given_outcomes(stage, given).fillna(sure)
    by_name = infer_outcomes(stage, closed, given)
    guessed = sure.isna() & by_name.isin(["won", "lost"])
    ledger.note_cells("outcome_by_stage_name", stage, guessed)
    status = sure.fillna(by_name)
    note_unknown(status, stage, closed, ledger)
    return status


def note_unknown(status: pd.Series, stage: pd.Series, closed: pd.Series, ledger: Ledger) -> None:
    """Note closed deals of which nothing says whether they are won."""
    ledger.note_cells("outcome_unknown", stage, (closed == 1) & status.isna())


def split_reason(stage: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Part a lost stage from the reason its name gives in brackets."""
    parts = stage.astype("str").str.extract(r"^(?P<name>.+?)\s*\((?P<reason>[^()]+)\)$")
    ends = parts["name"].str.casefold().isin(LOST_STAGES)
    return parts["name"].where(ends, stage).astype("str"), parts["reason"].where(ends)


def read_ends(is_won: pd.Series, is_lost: pd.Series, is_closed: pd.Series) -> pd.Series:
    """Won, lost or open by flags (1, 0, missing); missing where they leave it open which."""
    status = pd.Series(index=is_won.index, dtype="str")
    status = status.mask((is_closed == 0) | ((is_won == 0) & (is_lost == 0)), "open")
    lost = (is_lost == 1) | ((is_closed == 1) & (is_won == 0))
    won = (is_won == 1) | ((is_closed == 1) & (is_lost == 0))
    return status.mask(lost, "lost").mask(won & ~(is_lost == 1), "won")


def learn_ends(stage: pd.Series, status: pd.Series) -> pd.Series:
    """What each stage means, by deals that stand there and whose status is one and sure."""
    known = pd.DataFrame({"stage": stage, "status": status}).dropna().drop_duplicates()
    known = known[~known["stage"].duplicated(keep=False)]
    return known.set_index("stage")["status"]


def _default_end(name: str) -> str | None:
    plain = _plain(name)
    if plain in map(_plain, WON_STAGES):
        return "won"
    if plain in map(_plain, LOST_STAGES) or find_meaning(name).end == "lost":
        return "lost"
    return None


def _plain(name: str) -> str:
    """Words in small letters, without marks and pictures: "✅ Won"."""
    return re.sub(r"[\W_]+", " ", name).strip().casefold()
