"""One world of each claim that `make prove` makes of the tree over many."""

import pytest
from prove_tree import KINDS, try_bounds, try_tree


@pytest.mark.parametrize("kind", KINDS)
def test_leads_are_told_the_step_they_missed(kind):
    found = try_tree(kind, run=1)  # two paths
    assert found["k_right"] and found["both"] >= KINDS[kind][1] * found["n"] > 500


def test_bounds_hold_what_was_planted_where_the_interval_does_not():
    rows = try_bounds(run=2)
    assert len(rows) == 2 and rows["holds"].all() and not rows["interval"].all()
