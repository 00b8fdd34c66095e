"""Money of the leads: which amounts can be counted, in which currency; never summed across them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import note_checks, show_rows
from funnel_lib.core.journeys import Journeys

ABSURD, FEWEST_AMOUNTS = 1000, 10  # times the median of a currency, where it has so many amounts


def take_amounts(leads: pd.DataFrame) -> np.ndarray:
    """Which amounts count as money, (n_leads,)? Missing, negative and absurd ones are NaN.

    Absurd is an amount above `ABSURD` times the median of the positive ones of its currency, where
    there are `FEWEST_AMOUNTS`: a typing error or a test. Leads keep it in every table of leads.
    Nor is 0 an amount where a currency has no others: nobody filled them in.
    """
    amount = leads["amount"].to_numpy(float, na_value=np.nan)
    currency, names = split_currencies(leads)
    is_used = np.bincount(currency, amount > 0, len(names)) > 0
    return np.where((amount < 0) | _find_absurd(leads) | ~is_used[currency], np.nan, amount)


def list_money(journeys: Journeys) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Each lead's currency and the names of currencies, as of `split_currencies`, and its amount,
    as of `take_amounts`; kept with the journeys."""
    if "money" not in journeys.kept:
        amounts = take_amounts(journeys.leads)
        journeys.kept["money"] = *split_currencies(journeys.leads), amounts
    return journeys.kept["money"]


def split_currencies(leads: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Which currency is each lead's, (n_leads,) codes, and what are they called, in their order?

    Capitals and blanks do not matter. Where there is just one, leads without a currency have it,
    too (CRMs fill it in with the amount); where there are several, they are apart under an empty
    name.
    """
    codes, names = _list_currencies(leads)
    known = [name for name in names if name]
    if len(known) < 2:
        return np.zeros(len(leads), np.int8), known or [""]
    return codes, names


def check_amounts(leads: pd.DataFrame) -> pd.DataFrame:
    """Which amounts are left out of money? Rows for the table of checks, as of `check_log`."""
    negative = leads["amount"].to_numpy(float, na_value=np.nan) < 0
    absurd = _find_absurd(leads)
    shown, (codes, names) = leads[["lead_id", "amount"]], _list_currencies(leads)
    missing = np.array([name == "" for name in names], bool)[codes]
    assumed = missing & (len(split_currencies(leads)[1]) == 1) & (~missing).any()
    return note_checks([
        ("negative_amounts", negative.sum(), len(leads), "warning", show_rows(shown, negative)),
        ("absurd_amounts", absurd.sum(), len(leads), "warning", show_rows(shown, absurd)),
        ("currency_assumed", assumed.sum(), len(leads), "info", show_rows(shown, assumed)),
    ])  # fmt: skip


def _list_currencies(leads: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Each lead's currency as written, but for capitals and blanks; "" where there is none."""
    raw, found = pd.factorize(leads["currency"])
    written = [*(str(name).strip().upper() for name in found), ""]  # what is missing is coded -1
    names = sorted({written[code] for code in np.flatnonzero(np.bincount(raw + 1)) - 1})
    place = {name: n for n, name in enumerate(names)}
    return np.array([place.get(name, -1) for name in written])[raw], names


def _find_absurd(leads: pd.DataFrame) -> np.ndarray:
    amount = leads["amount"].to_numpy(float, na_value=np.nan)
    absurd = np.isinf(amount)
    currency, names = split_currencies(leads)
    for code in range(len(names)):
        mine = (currency == code) & (amount > 0)
        known = amount[mine & ~absurd]
        if len(known) >= FEWEST_AMOUNTS:
            absurd |= mine & (amount > ABSURD * np.median(known))
    return absurd
