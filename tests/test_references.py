"""Shrunk shares: a slow obvious sum, equal and unequal groups, lucky ones."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import norm

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.tallies import tally
from funnel_lib.sections.hypotheses.count import build_hypotheses
from funnel_lib.sections.hypotheses.references import find_benchmark, list_groupings, name_quarter
from funnel_lib.stats import shrinkage as benchmarks
from funnel_lib.stats.shrinkage import shrink_shares


def test_shares_equal_the_posterior_summed_point_by_point():
    hits, trials = np.array([50.0, 64.0, 90.0]), np.array([100.0, 100.0, 120.0])
    odds = np.log((hits + 0.5) / (trials - hits + 0.5))
    noise = np.sqrt(1 / (hits + 0.5) + 1 / (trials - hits + 0.5))
    total, mean = 0.0, np.zeros(3)
    for centre in np.linspace(odds.min() - noise.min(), odds.max() + noise.min(), 31):
        for spread in benchmarks._SPREADS:
            for unlike in benchmarks._UNLIKE:
                weight, parts = np.exp(-0.5 * (spread / benchmarks.SPREAD) ** 2), []
                for y, s in zip(odds, noise, strict=True):
                    alike = (1 - unlike) * norm.pdf(y, centre, s)
                    apart = unlike * norm.pdf(y, centre, np.hypot(s, spread))
                    weight *= alike + apart
                    own = centre + spread**2 / (spread**2 + s**2) * (y - centre)
                    parts.append((alike * centre + apart * own) / (alike + apart))
                total, mean = total + weight, mean + weight * np.array(parts)
    expected = 1 / (1 + np.exp(-mean / total))
    assert shrink_shares(hits, trials).share == pytest.approx(expected, rel=1e-9)


def test_three_lucky_deals_are_no_benchmark():
    found = shrink_shares(np.array([3.0, 240.0, 160.0]), np.array([3.0, 300.0, 200.0]))
    assert found.share[0] < 0.83 and found.share[1] == pytest.approx(0.8, abs=0.01)


def test_one_far_off_does_not_pull_the_equal_ones_apart():
    found = shrink_shares(np.array([700, 850, 860, 845.0]), np.full(4, 1000.0))
    assert found.share[0] == pytest.approx(0.70, abs=0.015)
    assert np.ptp(found.share[1:]) < 0.008  # 0.845 to 0.860 as they are


def test_names_do_not_matter():
    hits, trials = np.array([30.0, 80, 55]), np.array([50.0, 100, 60])
    there, back = shrink_shares(hits, trials), shrink_shares(hits[::-1], trials[::-1])
    assert back.share[::-1] == pytest.approx(there.share)
    assert back.draws[:, ::-1] == pytest.approx(there.draws)


def groups(*counts):
    """Leads of groups (name, stood, went on) → their walks by group, names, how many took each
    walk, stood, went_on; every lead takes a walk of its own."""
    codes = np.concatenate([np.full(n, k) for k, (_, n, _) in enumerate(counts)])
    went = np.concatenate([np.arange(n) < hits for _, n, hits in counts]).astype(float)
    ones = np.ones(len(codes))
    leads = sparse.csr_array((ones, (codes, np.arange(len(codes)))))
    return leads, [name for name, _, _ in counts], ones, ones, went


def test_the_best_comparable_group_is_named():
    leads, names, n, stood, went = groups(("Anna", 300, 270), ("Boris", 300, 210), ("Vera", 5, 5))
    found = find_benchmark({"manager": (leads, names)}, n, stood, went)
    assert found.name == "manager=Anna"
    assert found.share == pytest.approx(0.9, abs=0.01)
    # Vera's five leads are no benchmark, and the gap is to Anna's and Boris's leads together: 0.1.
    assert np.median(found.gap) == pytest.approx(0.1, abs=0.01)


def test_leads_without_a_group_are_left_out_and_one_group_is_no_comparison():
    leads, names, n, stood, went = groups(("Anna", 300, 270), ("Boris", 29, 20))
    assert find_benchmark({"manager": (leads, names)}, n, stood, went) is None
    assert find_benchmark({}, n, stood, went) is None
    leads, names, n, stood, went = groups(("Anna", 99, 90), ("Boris", 99, 70), ("?", 500, 0))
    found = find_benchmark({"team": (leads[:2], names[:2])}, n, stood, went)
    assert found.name == "team=Anna"


def test_in_a_pool_every_group_has_the_same_part_of_the_segment():
    # Anna and Boris have 400 leads each at a fork; 200 and 120 of them go on this way, and the
    # segment is half of the pool: 1.0 and 0.6 of 200 each. As shares of the pool 0.5 and 0.3, they
    # are hardly shrunk, and the gap between Anna and all is 0.1 of the pool, 0.2 of the segment.
    leads, names, n, pool, went = groups(("Anna", 400, 200), ("Boris", 400, 120))
    found = find_benchmark({"manager": (leads, names)}, n, pool / 2, went, pool)
    assert found.name == "manager=Anna"
    assert found.share == pytest.approx(1.0, abs=0.03)
    assert np.median(found.gap) == pytest.approx(0.2, abs=0.02)
    # Whoever stopped may be counted to this segment by what his group did: it must not matter.
    leant = np.where(leads[[0]].toarray()[0] == 1, 0.6, 0.4) * pool
    again = find_benchmark({"manager": (leads, names)}, n, leant, went, pool)
    assert again.share == pytest.approx(found.share) and again.gap == pytest.approx(found.gap)


def test_the_current_quarter_is_no_reference_but_is_compared_with():
    leads, names, n, stood, went = groups(("2025-Q1", 300, 210), ("2025-Q2", 300, 270))
    quarters = {"quarter": (leads, names)}
    assert find_benchmark(quarters, n, stood, went).name == "quarter=2025-Q2"
    found = find_benchmark(quarters, n, stood, went, current="2025-Q2")
    assert found.name == "quarter=2025-Q1" and found.share == pytest.approx(0.7, abs=0.02)
    assert np.median(found.gap) == pytest.approx(-0.1, abs=0.01)  # 0.7 against 0.8 of all
    named = {"manager": (leads, names)}  # a manager may be called so
    assert find_benchmark(named, n, stood, went, current="2025-Q2").name == "manager=2025-Q2"


@pytest.mark.parametrize(("until", "reference"), [("06-30", "Q1"), ("07-01", "Q2")])
def test_the_quarter_of_the_export_is_the_current_one(until, reference):
    """100 leads a quarter, lost or won in a day: 40 buy in the first, 80 in the second."""
    ids = [str(n) for n in range(200)]
    at = np.repeat(pd.to_datetime(["2025-02-01", "2025-05-01"]), 100)
    won = np.arange(200) % 100 < np.repeat([40, 80], 100)
    asked = pd.DataFrame({"lead_id": ids, "at": at, "action": "ask"})
    paid = asked[won].assign(action="pay", at=at[won] + pd.Timedelta("1D"))
    leads = pd.DataFrame({"lead_id": ids, "status": np.where(won, "won", "lost"),
                          "closed_at": at + pd.Timedelta("1D")})  # fmt: skip
    log = build_log(pd.concat([asked, paid]), leads, pd.Timestamp(f"2025-{until}", tz="UTC"))
    journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay"))
    assert name_quarter(journeys.observed_until) == {"Q1": "2025-Q2", "Q2": "2025-Q3"}[reference]
    groupings = list_groupings(journeys, np.ones(200, bool), tally(journeys))
    assert groupings["quarter"][1] == ["2025-Q1", "2025-Q2"]
    row = build_hypotheses(journeys, [Group()]).set_index("step").loc["pay"]
    assert row["reference"] == f"quarter=2025-{reference}"
    assert (row["extra_won"] > 0) == (reference == "Q2")
