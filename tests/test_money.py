"""Which amounts are money, by hand."""

import numpy as np
import pandas as pd

from funnel_lib.counting.money import check_amounts, split_currencies, take_amounts


def leads_of(amounts, currency="EUR"):
    ids = [f"l{n}" for n in range(len(amounts))]
    table = {"lead_id": ids, "amount": np.array(amounts, float), "currency": currency}
    return pd.DataFrame(table)


def test_negative_and_absurd_amounts_are_no_money_but_are_counted():
    # ten amounts around 100, so 100,001 is more than a thousand times the median
    leads = leads_of([100] * 10 + [100_001, 100_000, -1, 0, np.nan, np.inf])
    taken = take_amounts(leads)
    assert np.isnan(taken[[10, 12, 14, 15]]).all()
    assert taken[[0, 11, 13]].tolist() == [100, 100_000, 0]
    checks = check_amounts(leads).set_index("check")
    assert checks["n_rows"].to_dict() == {"negative_amounts": 1, "absurd_amounts": 2}
    assert "l12" in checks.loc["negative_amounts", "example"]


def test_few_amounts_do_not_tell_what_is_absurd():
    assert take_amounts(leads_of([1, 1, 1_000_000])).tolist() == [1, 1, 1_000_000]


def test_zeros_are_amounts_only_where_there_are_others():
    taken = take_amounts(leads_of([0, 0, 5, 0], ["EUR", "EUR", "EUR", "USD"]))
    assert taken[:3].tolist() == [0, 0, 5] and np.isnan(taken[3])


def test_absurd_is_told_by_currency():
    leads = leads_of([1] * 10 + [5000] * 10, ["EUR"] * 10 + ["RUB"] * 10)
    assert not np.isnan(take_amounts(leads)).any()
    assert check_amounts(leads).empty
    leads.loc[20] = ["l20", 5000.0, "EUR"]
    assert np.isnan(take_amounts(leads)).tolist() == [False] * 20 + [True]


def test_currencies_are_apart():
    codes, names = split_currencies(leads_of([1, 2, 3], ["USD", None, "EUR"]))
    assert [names[c] for c in codes] == ["USD", "", "EUR"]
    codes, names = split_currencies(leads_of([1, 2, 3], [" eur", "EUR", None]))
    assert names == ["EUR"] and codes.tolist() == [0, 0, 0]
    checks = check_amounts(leads_of([1, 2, 3], [" eur", "EUR", None])).set_index("check")
    assert checks.loc["currency_assumed", "n_rows"] == 1
    codes, names = split_currencies(leads_of([], None))
    assert names == [""] and len(codes) == 0
