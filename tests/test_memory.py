"""The memory that a log is counted with: sizes, parts, and the same tables however many."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.tables import list_columns, read_tables
from funnel_lib.core.tallies import PER_EVENT, count_parts, read_size
from funnel_lib.settings import find_sample


@pytest.mark.parametrize(
    ("text", "size"),
    [("6GiB", 6 * 2**30), ("500mb", 500_000_000), ("1.5 KiB", 1536), ("1,5kb", 1500), ("7B", 7),
     ("2TiB", 2**41), ("", 0)],
)  # fmt: skip
def test_sizes(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize(
    "text", ["10", "much", "6G", "GiB", "-1GiB", "0GiB", "6 GiB of it", "1e9B", "9" * 400 + "GiB"]
)
def test_what_is_no_size_says_how_to_write_one(text):
    with pytest.raises(InputError, match="such as 6GiB"):
        read_size(text)


@pytest.mark.parametrize(
    ("memory", "told"),
    [("10", "'10': write a size with its unit"), ("10B", "is too little: the lead")],
)
def test_the_command_refuses_a_size_without_a_unit_or_too_small(funnel, tmp_path, memory, told):
    given, out = find_sample(), tmp_path / "a"
    files = [given["events"], "--leads", given["leads"], "--steps", given["steps"]]
    code, _, err = funnel("audit", *files, "--out", out, "--no-report", "--memory", memory)
    assert code == 2 and told in err and "Traceback" not in err
    assert not out.exists()


@pytest.fixture(scope="module")
def whole():
    return build_audit(**find_sample(), observed_until="2025-12-31", segments="3")


@pytest.mark.parametrize("n_parts", [7])
def test_every_table_is_the_same_in_parts(whole, n_parts):
    """All registered tables that an audit counts, so that one that comes later is held to it."""
    memory = -(-len(whole.log.events) * PER_EVENT // n_parts)
    assert count_parts(whole.log, f"{memory}B") == n_parts
    parts = build_audit(
        **find_sample(), observed_until="2025-12-31", segments="3", memory=f"{memory}B"
    )
    assert parts.journeys.n_parts == n_parts and not parts.failed
    counted = {name for name, table in read_tables().items() if table.in_audit}
    assert counted == {*parts.tables} == {*whole.tables}
    for name in counted:
        one, other = whole.tables[name], parts.tables[name]
        counts = [c for c in list_columns(name) if c in one and _counts(one[c])]
        pd.testing.assert_frame_equal(other[counts], one[counts], check_exact=True)
        pd.testing.assert_frame_equal(other, one, rtol=1e-9, atol=1e-9)


def _counts(cells: pd.Series) -> bool:
    """Whether cells are whole numbers of leads."""
    known = cells.dropna() if pd.api.types.is_numeric_dtype(cells) else cells[:0]
    return len(known) > 0 and bool((known == np.floor(known.astype(float))).all())
