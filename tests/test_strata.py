"""Like compared with like: by hand, against statsmodels, simulated."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from funnel_lib.stats.differences import correct_p
from funnel_lib.stats.strata import compare_strata

EXACT = 1e-12


def draw(seed, n_groups=3, n_strata=6, size=40):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, size, (n_groups, n_strata)).astype(float)
    return n, rng.binomial(n.astype(int), rng.uniform(0.2, 0.8, n_strata)).astype(float)


def test_by_hand():
    # Strata of 10 + 10 and 20 + 5: weights 10 * 10 / 20 = 5 and 20 * 5 / 25 = 4; gaps 0.2, -0.1.
    n, hits = np.array([[10.0, 20], [10, 5]]), np.array([[6.0, 10], [4, 3]])
    found = compare_strata(n, hits)
    assert found.difference == pytest.approx([(5 * 0.2 - 4 * 0.1) / 9, -(5 * 0.2 - 4 * 0.1) / 9])


@pytest.mark.parametrize("seed", range(5))
def test_z_is_that_of_cochran_mantel_and_haenszel(seed):
    n, hits = draw(seed)
    found = compare_strata(n, hits)
    for g in range(len(n)):
        rest, hits_rest = n.sum(axis=0) - n[g], hits.sum(axis=0) - hits[g]
        tables = [
            [[y1, n1 - y1], [y0, n0 - y0]]
            for n1, y1, n0, y0 in zip(n[g], hits[g], rest, hits_rest, strict=True)
            if n1 + n0 > 1
        ]
        told = StratifiedTable([np.array(t) for t in tables]).test_null_odds(correction=False)
        assert found.z[g] ** 2 == pytest.approx(told.statistic)


def test_the_difference_and_its_error_equal_a_loop():
    n, hits = draw(9)
    found = compare_strata(n, hits, design=2.0)
    for g in range(len(n)):
        up = weights = p = q = 0.0
        for s in range(n.shape[1]):
            n1, y1 = n[g, s], hits[g, s]
            n0, y0 = n[:, s].sum() - n1, hits[:, s].sum() - y1
            if n1 and n0:
                up += (y1 * n0 - y0 * n1) / (n1 + n0)
                weights += n1 * n0 / (n1 + n0)
                p += (n1**2 * y0 - n0**2 * y1 + n1 * n0 * (n0 - n1) / 2) / (n1 + n0) ** 2
                q += (y1 * (n0 - y0) + y0 * (n1 - y1)) / (2 * (n1 + n0))
        assert found.difference[g] == pytest.approx(up / weights, abs=EXACT)
        variance = 2 * (up / weights * p + q) / weights**2
        assert found.error[g] == pytest.approx(np.sqrt(variance), abs=EXACT)


def test_equal_groups_differ_as_often_as_chance_has_it():
    rng = np.random.default_rng(3)
    n = np.tile(rng.integers(1, 8, (3, 30, 1)), (1, 1, 2000)).astype(float)  # many small strata
    hits = rng.binomial(n.astype(int), rng.uniform(0.3, 0.9, (1, 30, 1))).astype(float)
    found = compare_strata(n, hits)
    assert (np.abs(found.z) > norm.isf(0.025)).mean() == pytest.approx(0.05, abs=0.012)
    covered = np.abs(found.difference) < 1.96 * found.error
    assert covered.mean() == pytest.approx(0.95, abs=0.015)


def test_who_has_nobody_beside_him_is_not_compared():
    n, hits = np.array([[50.0, 0], [0, 50]]), np.array([[40.0, 0], [0, 20]])
    found = compare_strata(n, hits)
    for name in ("difference", "error", "z"):
        assert np.isnan(getattr(found, name)).all()
    n, hits = np.array([[50.0], [50], [50]]), np.array([[50.0], [50], [10]])
    alone = compare_strata(n, hits, others=np.array([True, True, False]))
    assert alone.difference.tolist() == [0, 0, -0.8]  # the others of the third are the first two
    assert alone.z[2] < -8


@given(st.lists(st.floats(0, 1) | st.just(np.nan), max_size=30))
def test_corrected_p_are_those_of_statsmodels(p):
    p = np.array(p, float)
    known, corrected = np.isfinite(p), correct_p(p)
    assert np.isnan(corrected[~known]).all()
    if known.any():
        with mock.patch("gc.collect"):  # which it calls each time, and nothing else takes as long
            holm = multipletests(p[known], method="holm")[1]
        np.testing.assert_allclose(corrected[known], holm)
