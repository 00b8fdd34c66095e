"""Order and categories beside numpy, pandas and slow obvious loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_lib.core.events import build_log
from funnel_lib.core.ordering import as_category, is_tied, order_packed

DAY = 86_400_000_000
# Ids that only look like whole numbers, and the largest that are.
WRITTEN = ["7", "07", "+7", "-7", "0", "00", "-0", "0x1F", "0xFFFFFFFFFFF", " 7", "7.0", "1e3",
           "9" * 18, "9" * 19, str(2**63 - 1), str(2**63), "10", "9", "٧", "ä", "🙂"]  # fmt: skip


@given(st.lists(st.sampled_from(WRITTEN), min_size=1) | st.lists(st.text(), min_size=1)
       | st.lists(st.integers(-(10**19), 10**19).map(str), min_size=1)
       | st.lists(st.integers(0, 2**63 - 1).map(str), min_size=1)
       | st.lists(st.integers(0, 18).flatmap(lambda n: st.integers(0, 10**n)).map(str), min_size=1)
       )  # fmt: skip
def test_categories_are_those_of_pandas(texts):
    cells = pd.Series(texts, dtype="str")
    found, plain = as_category(cells), pd.Categorical(cells)
    assert found.tolist() == texts
    assert found.categories.tolist() == sorted(set(texts)) == plain.categories.tolist()
    assert found.codes.tolist() == plain.codes.tolist()


@given(
    st.sampled_from(["", "L", "L-2024-", "лид ", "0x", "+", "9" * 20]),
    st.sampled_from(["{}", "{:03d}", "{:07d}", "{:020d}"]),
    st.lists(st.none() | st.integers(0, 2000), min_size=1, max_size=50),
    st.integers(1, 5),
)
def test_ids_of_a_common_beginning_are_ordered_as_texts(beginning, form, numbers, n_times):
    texts = [None if n is None else beginning + form.format(n) for n in numbers]
    texts = [text for text in texts for _ in range(n_times)]  # runs of one lead, as files have
    found = as_category(pd.Series(texts, dtype="str"))
    assert [None if pd.isna(t) else t for t in found] == texts
    assert found.categories.tolist() == sorted({t for t in texts if t is not None})


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-99, 2000), min_size=1))
def test_whole_numbers_are_coded_as_their_texts(numbers):
    cells = pd.Series(pa.array(numbers, pa.int64()), dtype=pd.ArrowDtype(pa.int64()))
    texts = [None if n is None else str(n) for n in numbers]
    found, plain = as_category(cells), as_category(pd.Series(texts, dtype="str"))
    assert found.codes.tolist() == plain.codes.tolist()
    assert found.categories.tolist() == sorted({t for t in texts if t is not None})


@given(st.lists(st.sampled_from(["b", "a", "10", "9", None]), min_size=1), st.integers(0, 5))
def test_a_categorical_and_what_is_missing_give_the_same_categories(texts, n_gone):
    cells = pd.Series(texts, dtype="str")
    once = as_category(cells)
    assert once.categories.tolist() == sorted({t for t in texts if t})
    assert [None if pd.isna(c) else c for c in once] == texts
    left = cells[n_gone:]
    for coded in (pd.Series(once), cells.astype(pd.CategoricalDtype(["b", "a", "9", "10"]))):
        again, anew = as_category(coded[n_gone:]), as_category(left)
        assert again.categories.tolist() == anew.categories.tolist()
        assert again.codes.tolist() == anew.codes.tolist()


@pytest.mark.parametrize("leads", [3, 2**20, 2**40])
@pytest.mark.parametrize("codes", [1, 5, 70_000])
@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, DAY])
def test_the_order_is_that_of_three_sorts(leads, codes, unit):
    rng = np.random.default_rng(leads + codes + unit)
    lead, code = rng.integers(0, leads, 5000), rng.integers(0, codes, 5000)
    at = rng.integers(-(10**15) // unit, 10**15 // unit, 5000) * unit
    lead[::3], at[::3] = lead[0], at[0]  # ties in plenty
    for of, when in ((lead, at), (np.sort(lead), at), (np.sort(lead), np.sort(at))):
        assert (order_packed(of, when, code) == np.lexsort((code, when, of))).all()


@pytest.mark.parametrize("unit", [1, 60_000_000, DAY])
@pytest.mark.parametrize("again", [False, True])
def test_leads_one_after_the_other_are_ordered_as_a_whole(unit, again):
    rng = np.random.default_rng(unit)
    lead = np.repeat(rng.permutation(500), rng.integers(1, 12, 500))
    lead[-1] = lead[0] if again else lead[-1]
    at = rng.integers(0, 90, len(lead)) * unit
    at = at[np.lexsort((at, np.append(0, np.cumsum(lead[1:] != lead[:-1]))))]
    code = rng.integers(0, 5, len(lead)).astype(np.int8)
    assert (order_packed(lead, at, code) == np.lexsort((code, at, lead))).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_ties_are_those_of_the_neighbours(rows):
    rows.sort()
    events = pd.DataFrame(rows, columns=["lead_id", "at"])
    events = events.assign(
        lead_id=events["lead_id"].astype("category"), at=pd.to_datetime(events["at"])
    )
    n = len(rows)
    near = [[rows[j] for j in (i - 1, i + 1) if 0 <= j < n] for i in range(n)]
    assert is_tied(events, ["lead_id", "at"]).tolist() == [
        row in beside for row, beside in zip(rows, near, strict=True)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_last_known_value_of_each_lead_is_that_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    n = 300
    events = pd.DataFrame({
        "lead_id": rng.integers(0, 20, n).astype(str),
        "at": pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 9, n), "D"),
        "action": rng.choice(["x", "y"], n),
        "amount": np.where(rng.random(n) < 0.4, np.nan, rng.integers(0, 5, n)),
        "manager": pd.Series(rng.choice(["A", "B", None], n), dtype="str"),
    })  # fmt: skip
    leads = build_log(events, lead_columns={"amount": "last"}).leads.set_index("lead_id")
    for lead, rows in events.groupby("lead_id"):
        last: dict[str, object] = {}
        order = rows.sort_values(["at", "amount", "manager"], na_position="first")
        for row in order.itertuples():
            last |= {c: getattr(row, c) for c in ("amount", "manager") if pd.notna(getattr(row, c))}
        told = leads.loc[lead, ["amount", "manager"]].dropna().to_dict()
        assert told == last


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16"])
def test_narrow_numbers_are_their_own_texts(kind):
    limits = np.iinfo(kind)
    low, high = max(limits.min, -100), min(limits.max, 120)
    numbers = np.random.default_rng(0).integers(low, high, 2000).astype(kind)
    cells = pd.Series(numbers, dtype=pd.ArrowDtype(pa.from_numpy_dtype(kind)))
    found = as_category(cells)
    assert found.tolist() == [str(n) for n in numbers.tolist()]
    assert list(found.categories) == sorted(set(map(str, numbers.tolist())))
