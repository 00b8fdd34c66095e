"""Shrunk shares: a slow obvious sum, equal and unequal groups, lucky ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.sections.hypotheses.count import build_hypotheses
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


STEPS = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
START = pd.Timestamp("2025-01-01", tz="UTC")


def journeys_of(parts, until="2025-12-31", **columns):
    """Leads that all ask on a day, and are won or lost two days later: (day, n, n_won, columns)."""
    leads = pd.DataFrame([
        {"at": pd.Timestamp(day, tz="UTC"), "won": k < n_won} | own
        for day, n, n_won, own in parts
        for k in range(n)
    ])  # fmt: skip
    leads = leads.assign(lead_id=[str(k) for k in range(len(leads))], amount=100.0)
    leads["status"] = np.where(leads["won"], "won", "lost")
    leads["closed_at"] = leads["at"] + pd.Timedelta("2D")
    asked = leads[["lead_id", "at"]].assign(action="ask")
    paid = asked[leads["won"]].assign(action="pay", at=leads["closed_at"])
    events = pd.concat([asked, paid])
    log = build_log(events, leads.drop(columns=["at", "won"]).assign(**columns), until)
    return build_journeys(log, STEPS)


def refer(journeys):
    """The row of the sale."""
    return build_hypotheses(journeys).set_index("step").loc["pay"]


def manage(**shares):
    """Managers with 300 leads each on one day: name → how many bought."""
    return journeys_of([("2025-02-01", 300, n, {"manager": m}) for m, n in shares.items()])


def test_the_best_comparable_group_is_named():
    row = refer(manage(Anna=270, Boris=210))
    assert row["reference"] == "manager=Anna" and row["beyond_chance"]
    assert row["share_reference"] == pytest.approx(0.9, abs=0.01)
    # The gap is to Anna's and Boris's leads together: 0.9 - 0.8 of 600 leads.
    assert row["extra_won"] == pytest.approx(60, abs=6)
    assert row["low"] < row["extra_amount"] < row["high"]


def test_few_leads_are_no_reference_and_one_group_is_no_comparison():
    lucky = [("2025-02-01", n, won, {"manager": m}) for m, n, won in
             (("Anna", 300, 250), ("Boris", 300, 240), ("Vera", 5, 5))]  # fmt: skip
    assert refer(journeys_of(lucky))["reference"] == "manager=Anna"
    assert refer(manage(Anna=200))["reference"] == "no_group"
    small = [("2025-02-01", n, won, {"manager": m}) for m, n, won in
             (("Anna", 300, 250), ("Boris", 29, 20))]  # fmt: skip
    assert refer(journeys_of(small))["reference"] == "no_group"


def test_who_worked_in_better_times_is_no_better():
    """Half of the first quarter's leads buy, four in five of the third's, whoever serves them; Anna
    has most of the later ones."""
    parts = [
        (day, n, round(share * n), {"manager": manager})
        for day, share, early in (("2025-02-01", 0.5, True), ("2025-08-01", 0.8, False))
        for manager, n in (("Anna", 100 if early else 400), ("Boris", 400 if early else 100))
    ]  # fmt: skip
    row = refer(journeys_of(parts))
    assert row["share_now"] == pytest.approx(0.8)  # practice today
    assert row["extra_won"] == pytest.approx(0, abs=2) and not row["beyond_chance"]
    # Nor is it what another source brings.
    apart = [(day, n, won, own | {"source": "fair" if day < "2025-05" else "site"})
             for day, n, won, own in parts]  # fmt: skip
    one_day = [("2025-02-01", *rest) for _, *rest in apart]
    assert not refer(journeys_of(one_day))["beyond_chance"]
    assert refer(journeys_of([("2025-02-01", *rest) for _, *rest in parts]))["beyond_chance"]


@pytest.mark.parametrize(
    ("early", "late", "until", "reference"),
    [
        (240, 150, "2025-12-31", "quarter=2025-Q1"),  # practice today is worse, or the season
        (150, 240, "2025-12-31", "no_group"),  # nothing is left to gain
        (195, 195, "2025-12-31", "no_group"),
        (240, 150, "2025-03-31", "no_group"),  # the quarter of the export
    ],
)
def test_a_past_quarter_is_a_reference_only_if_practice_today_is_worse(
    early, late, until, reference
):
    second = "2025-08-01" if until > "2025-06" else "2025-03-01"
    row = refer(journeys_of([("2025-01-20", 300, early, {}), (second, 300, late, {})], until))
    assert row["reference"] == reference
    assert not row["beyond_chance"] and (row["extra_won"] > 0) == (reference != "no_group")


def test_a_quarter_is_beyond_chance_where_today_is_worse_than_a_year_ago():
    parts = [
        ("2024-08-01", 300, 240, {}),
        ("2025-02-01", 300, 200, {}),
        ("2025-08-01", 300, 150, {}),
    ]
    row = refer(journeys_of(parts))
    assert row["reference"] == "quarter=2024-Q3" and row["beyond_chance"]


def test_who_records_otherwise_is_no_reference():
    """Vera leaves what is lost open: all of her closed leads bought."""
    three = {"Anna": 200, "Boris": 195, "Vera": 205}
    parts = [("2025-02-01", 300, n, {"manager": m}) for m, n in three.items()]
    assert refer(journeys_of(parts))["reference"] != "no_group"
    journeys = journeys_of(parts)
    leads = journeys.leads
    open_ones = (leads["manager"] == "Vera") & (leads["status"] == "lost")
    status = leads["status"].mask(open_ones, "open")
    log = build_log(
        pd.DataFrame({"lead_id": leads["lead_id"], "at": leads["entered_at"], "action": "ask"}),
        leads[["lead_id", "manager", "amount"]].assign(
            status=status, closed_at=leads["closed_at"].mask(open_ones)
        ),
        "2025-12-31",
    )
    row = refer(build_journeys(log, STEPS))
    assert row["reference"] != "manager=Vera" and row["n_decided"] == 600


def test_three_equal_managers_are_no_finding_and_one_far_off_is():
    assert not refer(manage(Anna=240, Boris=231, Vera=246))["beyond_chance"]
    row = refer(manage(Anna=291, Boris=216, Vera=216))  # 97 against 72
    assert row["beyond_chance"] and row["reference"] == "manager=Anna"


def test_deals_of_one_client_are_one_case():
    """Of Anna's 60 clients with five deals each 44 buy everything, of Boris's 36."""

    def make(**columns):
        parts = [("2025-02-01", 300, n, {"manager": m}) for m, n in (("Anna", 220), ("Boris", 180))]
        return journeys_of(parts, **columns)

    alone = make()
    together = make(account_id=[f"a{k // 5}" for k in range(600)])
    assert refer(alone)["beyond_chance"] and not refer(together)["beyond_chance"]
