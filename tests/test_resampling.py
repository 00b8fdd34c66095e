"""The bootstrap: against known variances, and what must not matter."""

import numpy as np
import pytest

from funnel_lib.stats import resampling
from funnel_lib.stats.resampling import draw_sums, find_range

DRAWN = 0.08  # relative error of a standard deviation of 2,000 draws: 1 / sqrt(4000), five times


def test_the_spread_is_that_of_a_sum_of_independent_leads():
    hits = (np.arange(400) % 4 == 0).astype(float)[:, None]
    drawn = draw_sums(hits, n_draws=2000)
    # n p (1 - p) = 400 * 1/4 * 3/4 = 75
    assert drawn.std() == pytest.approx(np.sqrt(75), rel=DRAWN)
    assert drawn.mean() == pytest.approx(100, abs=1)


def test_blocks_leave_the_spread_as_it_is(monkeypatch):
    hits = (np.arange(4000) % 4 == 0).astype(float)[:, None]
    monkeypatch.setattr(resampling, "BLOCKS", 500)
    drawn = draw_sums(np.hstack([hits, np.ones_like(hits)]), n_draws=2000)
    assert drawn[:, 0].std() == pytest.approx(np.sqrt(750), rel=DRAWN)
    assert (drawn[:, 1] == 4000).all()  # as many leads in each draw


def test_accounts_are_drawn_whole():
    # 100 accounts of 4 equal leads: 16 times the variance of 100 leads.
    hits = np.repeat(np.arange(100) % 2, 4).astype(float)[:, None]
    drawn = draw_sums(hits, np.repeat(np.arange(100), 4), n_draws=2000)
    assert drawn.std() == pytest.approx(4 * np.sqrt(100 / 4), rel=DRAWN)


def test_neither_order_nor_ids_matter():
    rng = np.random.default_rng(3)
    values, accounts = rng.random((200, 3)), rng.integers(0, 50, 200)
    order = rng.permutation(200)
    first = draw_sums(values, accounts)
    again = draw_sums(values[order], (accounts * 7 + 3)[order])
    assert again == pytest.approx(first)
    assert draw_sums(values, accounts, seed=1) != pytest.approx(first)


def test_nobody_and_one():
    assert draw_sums(np.empty((0, 2)), n_draws=3).tolist() == [[0, 0]] * 3
    assert draw_sums(np.array([[5.0]]), n_draws=3).tolist() == [[5]] * 3
    assert np.isnan(find_range(np.empty((0, 2)))[0]).all()
    low, high = find_range(np.arange(1001.0)[:, None])
    assert low == [25] and high == [975]
