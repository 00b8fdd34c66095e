"""How sure is a share: by the formulas, by drawing again, in the limits that are known."""

import math

import numpy as np
import pytest

from funnel_lib.stats.intervals import (
    Cells,
    add_by_sizes,
    divide,
    effective_n,
    influence_of_share,
    move_means,
    wilson,
)

ROUNDING = 1e-9
Z = 1.959963984540054
RESAMPLED = 0.1  # relative error of a standard error from 400 resamples: 1 / sqrt(800) = 0.035


def wilson_written_out(share, n):
    """Wilson (1927): the roots of (p - share)² = z² p (1 - p) / n."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half


def test_weights_above_one_are_kish():
    # (3 + 1)² / (9 + 1) = 1.6, below Σw = 4
    assert effective_n(np.array([3.0, 1.0])) == pytest.approx(1.6, abs=ROUNDING)
    assert effective_n(np.zeros(3)) == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_wilson_is_the_formula(share):
    for n in (0.7, 5, 800):
        low, high = wilson(np.array([share]), n)
        assert (low[0], high[0]) == pytest.approx(wilson_written_out(share, n), abs=ROUNDING)
    assert all(np.isnan(part).all() for part in wilson(np.array([share]), 0))


def test_wilson_takes_an_n_for_each_share():
    low, high = wilson(np.array([0.2, 0.2]), np.array([10, 1000]))
    assert low[0] < low[1] < 0.2 < high[1] < high[0]


@pytest.fixture(scope="module")
def mixture():
    """Two segments; a lead shows a mark of one of them, or leaves before and shows none."""
    rng = np.random.default_rng(5)
    truth = (rng.random(4000) < 0.3).astype(int)
    stayed = rng.random(4000) < 0.6
    return truth, stayed, weigh(truth, stayed, np.ones(4000))


def weigh(truth, stayed, times):
    """Memberships by EM: those who left are shared out by the shares of the others. Leads of one
    kind, of this segment, of that, gone before, belong alike."""
    known = np.array([[1.0, 0], [0, 1], [1, 1]])  # likelihood under each segment
    kind = np.where(stayed, truth, 2)
    many = np.bincount(kind, times, 3)
    shares = np.array([0.5, 0.5])
    for _ in range(200):
        member = known * shares
        member /= member.sum(axis=1, keepdims=True)
        shares = many @ member / many.sum()
    return member[kind]


def test_sure_memberships_count_as_they_are():
    sure = np.repeat(np.eye(2), [30, 70], axis=0)
    hits = np.zeros((100, 1))
    hits[:9] = hits[50:60] = 1
    assert Cells.add(sure, 0).find_effective_n(hits) == pytest.approx(30)
    assert Cells.add(sure, 1).find_effective_n(hits) == pytest.approx(70)


def test_before_the_paths_part_all_leads_tell(mixture):
    _, stayed, member = mixture
    n = Cells.add(member, 1).find_effective_n(stayed[:, None])
    assert n == pytest.approx(4000, rel=0.01)  # who stays is the same for both segments
    assert n > 3 * member[:, 1].sum()


def test_errors_are_those_of_drawing_leads_again(mixture):
    truth, stayed, member = mixture
    rng = np.random.default_rng(6)
    late = stayed & (rng.random(len(stayed)) < np.where(truth == 1, 0.7, 0.4))
    hits = np.column_stack([stayed, late]).astype(float)
    trials = np.column_stack([np.ones(len(late)), stayed]).astype(float)
    share, moved = influence_of_share(member, 1, hits, trials)
    again = []
    for _ in range(400):
        times = rng.multinomial(len(late), np.full(len(late), 1 / len(late))).astype(float)
        w = weigh(truth, stayed, times)[:, 1] * times
        again.append((w @ hits) / (w @ trials))
    errors = np.std(again, axis=0)
    assert np.sqrt((moved**2).sum(axis=0)) == pytest.approx(errors, rel=RESAMPLED)
    n = Cells.add(member, 1).find_effective_n(hits, trials)
    assert share * (1 - share) / n == pytest.approx(errors**2, rel=2.1 * RESAMPLED)


def test_nobody_and_everybody_have_an_n_too():
    member = np.repeat([[0.3, 0.7]], 10, axis=0)
    hits = np.column_stack([np.zeros(10), np.ones(10)])
    assert Cells.add(member, 0).find_effective_n(hits) == pytest.approx([3, 3])


def test_nothing_is_no_share_of_nobody():
    assert np.array_equal(divide(np.array([1, 0]), np.array([4, 0])), [0.25, np.nan], True)


def test_means_move_by_each_leads_own_and_the_moves_cancel():
    assert move_means(np.ones((2, 1)), 0, np.array([[3.0], [1.0]])).tolist() == [[1.0], [-1.0]]
    member, marks = np.random.default_rng(1).dirichlet((1, 2), 50), np.arange(50.0)[:, None]
    assert move_means(member, 0, marks).sum() == pytest.approx(0, abs=ROUNDING * 50**2)
    added = add_by_sizes(member, 0, marks, np.ones(50))
    assert added.sum() == pytest.approx(0, abs=ROUNDING * 50**2) and np.abs(added).max() > 1
