"""One run of each claim that `make prove` tries many times."""

import pytest
from prove_value import (
    GAP_STEPS,
    find_expected_gain,
    find_gain_at_fork,
    find_true_share,
    try_groups,
    try_hypotheses,
    try_parting,
    try_test,
    try_times,
)

SEED = 9000


def test_the_share_of_buyers_under_heavy_censoring(monkeypatch):
    monkeypatch.setattr("prove_value.TRUE_LEADS", 20_000)
    truth = find_true_share()
    share, low, high, naive, kaplan, n = try_times(60, SEED)
    assert 1000 < n < 2000
    assert abs(share - truth) < 0.06 and low < share < high  # four standard errors of 1,500 leads
    assert naive < truth - 0.1 and kaplan > truth + 0.1  # the usual mistakes


def test_a_planted_loss_stands_first_and_its_gain_is_about_right():
    first, _, ratio = try_hypotheses(GAP_STEPS[1], SEED)
    assert first and 0.3 < ratio < 2
    # Fifth of nine steps: 3,000 * 0.85^3 come before it, 8 points more, 0.85^4 of them buy for
    # 50,000 in the median, 54,164 in the mean.
    assert find_expected_gain(GAP_STEPS[1]) == pytest.approx(4.167e6, rel=0.001)


def test_a_better_manager_where_paths_part_stands_first_and_her_gain_is_about_right():
    first, _, ratio = try_parting("", SEED)
    assert first and 0.3 < ratio < 2
    # 892.5 of the longer path come there, a sixth more go on: the lead of 97 % over the mean of all
    # three, 80.3 %. Of those who go on 717 are on it, of whom 0.85^4 buy, and 975.4 of 0.85.
    whole, longer = find_gain_at_fork()
    more, bought = 892.5 / 6 * 54_164.35, 0.85**4
    assert longer == pytest.approx(more * bought, rel=1e-3)
    assert whole == pytest.approx(more * (717 * bought + 975.4 * 0.85) / (717 + 975.4), rel=1e-3)


def test_equal_groups_are_compared_as_often_as_they_should_be():
    p, least, n = try_groups(SEED)
    assert n == 20 and 0 < p <= 1 and least >= 0.001


def test_a_test_of_the_planned_size_shows_a_large_difference():
    assert sum(try_test(0.4, 0.55, SEED + run) for run in range(3)) >= 1
