"""Aalen–Johansen: by hand, against R and statsmodels, against an obvious loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight

from funnel_lib.stats.incidence import (
    _follow,
    _sum_later,
    estimate_incidence,
    find_half_time,
    find_horizon,
)
from funnel_lib.stats.intervals import move_means

EXACT = 1e-12  # sums of few numbers in another order
R_DIGITS = 5e-8  # R printed seven digits

DAY = np.array([0, 0, 1, 2, 2, 2, 3, 5, 5, 6, 7, 7, 9, 10, 12])
CAUSE = np.array([0, 1, 2, 1, 0, 2, 1, 0, 1, 2, 1, 1, 0, 2, 0])
WEIGHT = np.array([1, 0.5, 1, 0.8, 0.3, 1, 1, 0.9, 0.2, 1, 0.7, 1, 1, 0.4, 1])
# R 4.2.2, survival 3.5-3 (Debian's r-base-core and r-cran-survival), w = rep(1, 15) and WEIGHT:
#   fit <- survfit(Surv(day, factor(cause, 0:2, c("open", "won", "lost"))) ~ 1,
#                  weights = w, id = 1:15)
#   cat(fit$time, fit$pstate[, 2], fit$std.err[, 2])
R_DAYS = [0, 1, 2, 3, 5, 6, 7, 9, 10, 12]
R = {
    "equal": (
        [0.06666667, 0.06666667, 0.1384615, 0.2182336, 0.2980057, 0.2980057, *[0.4841406] * 4],
        [0.06440612, 0.06440612, 0.09106327, 0.1122076, 0.1258123, 0.1258123, *[0.1446127] * 4],
    ),
    "weighted": (
        [0.04237288, 0.04237288, 0.1167517, 0.2135991, 0.2329686, 0.2329686, *[0.4266634] * 4],
        [0.04217155, 0.04217155, 0.08194149, 0.1159754, 0.1171897, 0.1171897, *[0.1499124] * 4],
    ),
}


@pytest.mark.parametrize("weights", R)
def test_incidence_and_errors_are_those_of_r(weights):
    given_weights = WEIGHT if weights == "weighted" else np.ones(15)
    found = estimate_incidence(DAY, CAUSE, given_weights[:, None])
    incidence, error = R[weights]
    assert found.incidence[R_DAYS] == pytest.approx(incidence, abs=R_DIGITS)
    assert found.error[R_DAYS] == pytest.approx(error, abs=R_DIGITS)
    assert len(found.incidence) == 13  # every day to the last one at risk


def test_by_hand():
    # day 0: 4 at risk, 1 takes it: 1/4. Day 1: 3 at risk, one is lost, one stays open: the other
    # waits on with 3/4 * 2/3 = 1/2. Day 2: the last one takes it: 1/4 + 1/2.
    found = estimate_incidence(np.array([0, 1, 1, 2]), np.array([1, 2, 0, 1]))
    assert found.incidence.tolist() == [0.25, 0.25, 0.75]
    assert found.at_risk.tolist() == [4, 3, 1]


def loop(day, cause, weight):
    """Aalen–Johansen as its formula reads."""
    waiting, total, curve = 1.0, 0.0, []
    for t in range(day.max() + 1):
        at_risk = sum(w for d, w in zip(day, weight, strict=True) if d >= t)
        here = [(c, w) for d, c, w in zip(day, cause, weight, strict=True) if d == t]
        total += waiting * sum(w for c, w in here if c == 1) / at_risk
        waiting *= 1 - sum(w for c, w in here if c > 0) / at_risk
        curve.append(total)
    return curve


logs = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.sampled_from([0.2, 0.5, 1.0])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(logs)
def test_equals_the_loop_and_no_order_matters(rows):
    day, cause, weight = (np.array(x) for x in zip(*rows, strict=True))
    found = estimate_incidence(day, cause, weight[:, None])
    assert found.incidence == pytest.approx(loop(day, cause, weight), abs=1e-9)
    back = estimate_incidence(day[::-1], cause[::-1], weight[::-1, None])
    assert back.incidence == pytest.approx(found.incidence, abs=1e-9)
    assert back.error == pytest.approx(found.error, abs=1e-9)
    # Target, the other thing and waiting share the leads out.
    other = estimate_incidence(day, np.array([0, 2, 1])[cause], weight[:, None])
    assert (found.incidence + other.incidence <= 1 + 1e-9).all()
    assert (np.diff(found.incidence) >= -1e-12).all()
    assert (found.low <= found.incidence + 1e-9).all()
    assert (found.high >= found.incidence - 1e-9).all()


def test_agrees_with_statsmodels():
    rng = np.random.default_rng(1)
    day, cause = rng.integers(1, 60, 500), rng.integers(0, 3, 500)
    other = CumIncidenceRight(day, cause)
    found = estimate_incidence(day, cause)
    assert found.incidence[other.times.astype(int)] == pytest.approx(other.cinc[0], abs=EXACT)


def test_an_earlier_log_of_the_same_waits_tells_the_same():
    later = estimate_incidence(DAY + 5, CAUSE)
    assert (later.incidence[:5] == 0).all() and (later.at_risk[:6] == 15).all()
    assert later.incidence[5:] == pytest.approx(estimate_incidence(DAY, CAUSE).incidence)
    assert later.error[5:] == pytest.approx(estimate_incidence(DAY, CAUSE).error)


class KeepMoved:
    """Cells that only note what they are asked: how much a lead of each moves the curve."""

    def find_variance(self, moved):
        self.moved = moved
        return np.zeros(moved.shape[1])


def test_a_span_of_120_years_is_counted_by_its_days_with_an_end():
    long = estimate_incidence(2000 * DAY, CAUSE)
    short = estimate_incidence(DAY, CAUSE)
    assert len(long.error) == 2000 * (len(short.error) - 1) + 1
    for name in ("incidence", "error", "low", "high", "at_risk"):
        assert getattr(long, name)[::2000] == pytest.approx(getattr(short, name)), name
    assert (np.diff(long.error)[1:1999] == 0).all()


def test_errors_in_segments_count_the_estimated_memberships():
    # The same sums lead by lead, as in `intervals`: influence of a weight, then of memberships.
    rng = np.random.default_rng(2)
    day, cause = rng.integers(0, 20, 300), rng.integers(0, 3, 300)
    member = rng.dirichlet([0.4, 0.4, 0.4], 300)
    for column in range(3):
        found = estimate_incidence(day, cause, member, column)
        cell, weight = 3 * day + cause, member[:, column]
        mass = np.bincount(cell, weight, minlength=60)
        at_risk = _sum_later(mass.reshape(20, 3).sum(axis=1))
        told = KeepMoved()
        _follow(at_risk, mass.reshape(20, 3), np.arange(60), told)
        direct = move_means(member, column, told.moved[cell])
        assert found.error == pytest.approx(np.sqrt((direct**2).sum(axis=0)), rel=1e-9)
        plain = estimate_incidence(day, cause, member[:, [column]])
        assert plain.incidence == pytest.approx(found.incidence)
        assert not np.allclose(plain.error, found.error)


def test_leads_that_never_entered_are_left_out():
    with_others = estimate_incidence(np.append(DAY, [-1, -1]), np.append(CAUSE, [1, 0]))
    assert with_others.incidence == pytest.approx(estimate_incidence(DAY, CAUSE).incidence)


@pytest.mark.parametrize("cause", [0, 1, 2])
def test_where_all_end_alike_the_interval_is_that_of_those_at_risk(cause):
    found = estimate_incidence(np.zeros(10, int), np.full(10, cause))
    assert found.incidence.tolist() == [float(cause == 1)]
    # Wilson for 0 of 10: 0 to 0.278
    edge = found.low[0] if cause == 1 else found.high[0]
    assert edge == pytest.approx(0.7225 if cause == 1 else 0.2775, abs=1e-4)


def test_nobody_is_a_row_without_shares():
    for day, member in ((np.array([], int), None), (np.array([3]), np.zeros((1, 1)))):
        found = estimate_incidence(day, np.zeros(len(day), int), member)
        assert found.at_risk.tolist() == [0] and np.isnan(found.incidence).all()


def test_half_and_most_of_those_who_do_so():
    assert find_half_time(np.array([0.1, 0.2, 0.4]), np.full(3, 99)) == 1
    assert np.isnan(find_half_time(np.zeros(3), np.full(3, 99)))
    assert (
        find_horizon(estimate_incidence(np.array([1, 2, 3, 9]), np.array([1, 1, 1, 0])), 0.5) == 2
    )
    assert find_horizon(estimate_incidence(np.array([0, 1, 2]), np.zeros(3, int))) == 2
