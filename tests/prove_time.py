"""Claims on the time after the sale and on equal time, over many planted logs; see `prove.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from proving import show_row, write_head

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.reach import HORIZON, count_funnel
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WON, PlantedSegment, World
from funnel_lib.sections.effort.count import find_money_ranges

FIRST_SEED, RUNS = 7000, 200
COVERED = 0.92, 0.98  # where the coverage of a 95 % interval must lie
MOST_OFF, FEWEST_EVEN = 0.015, 0.95
DELAYS = (0, 20, 60)  # days from the payment to the closing as won
POST_SALE = {"launch_done": 0.85, "feedback_given": 0.4, "repeat_order": 0.3}
SHORT = PlantedSegment(1, ("request_left", "terms_agreed", WON))
BUYERS = World({"everyone": SHORT}, noise=0, post_sale=POST_SALE)
LEADS, TRUE_LEADS = 700, 60_000


def plant_buyers(n_leads: int, seed: int, delay: int, days: int = BUYERS.days):
    """Journeys of buyers of every age whose deals were closed some days after they paid; a repeat
    order says who bought again, as a deal of the same account would."""
    planted = plant_log(replace(BUYERS, days=days), n_leads, seed)
    until, leads = planted.truth["observed_until"], planted.leads.copy()
    later = leads["closed_at"] + pd.Timedelta(days=delay)
    won = leads["status"] == "won"
    leads["closed_at"] = leads["closed_at"].where(~won, later.clip(upper=pd.Timestamp(until)))
    again = f"evidence: [repeat_order, {{action: {WON}, other_deal: true}}]"
    steps = planted.steps_yaml.replace("evidence: [repeat_order]", again)
    return build_journeys(build_log(planted.events, leads, until), parse_steps(steps))


def find_true_shares() -> dict[str, float]:
    """The share of the buyers that takes each step by day `HORIZON`, of buyers all watched for
    longer, from the planted events alone."""
    planted = plant_log(replace(BUYERS, days=2000), TRUE_LEADS, FIRST_SEED - 1)
    until = pd.Timestamp(planted.truth["observed_until"])
    shown = planted.events.pivot_table("at", "lead_id", "action", "min")
    shown = shown[shown[WON] < until - pd.Timedelta(days=HORIZON + 2)]
    waited = shown[[*POST_SALE]].sub(shown[WON], axis=0)
    return (waited < pd.Timedelta(days=HORIZON + 1)).mean().to_dict()


def try_after_sale(delay: int, run: int) -> list[tuple[float, float, float]]:
    """The share of each step after the sale, and its interval."""
    table = count_funnel(plant_buyers(LEADS, FIRST_SEED + 1000 * delay + run, delay))
    table = table.set_index("step").loc[[*POST_SALE]]
    assert (table["horizon_days"] == HORIZON).all()
    return table[["share_of_entered", "low", "high"]].to_numpy().tolist()


PACES = {  # segment -> path and median hours a step; the two are alike in all else
    "quick": (("request_left", "call_answered", "task_stated", "terms_agreed", WON), 12),
    "slow": (("request_left", "call_answered", "proposal_opened", "contract_signed", WON), 300),
}


def try_effort(run: int, hours: float = PACES["slow"][1]) -> str:
    """How the effort for the quick one of two equal segments stands to its money, of 120 days."""
    pace = {"quick": PACES["quick"][1], "slow": hours}
    segments = {
        name: PlantedSegment(0.5, path, ask=0.8, hours=pace[name], ask_hours=pace[name])
        for name, (path, _) in PACES.items()
    }
    planted = plant_log(World(segments, noise=0, days=120), 2000, FIRST_SEED + run)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    own = planted.truth_leads.set_index("lead_id")["segment"][journeys.leads["lead_id"]]
    member = (own.to_numpy()[:, None] == np.array([*PACES])).astype(float)
    groups = [Group(s, path, (), member, k) for k, (s, (path, _)) in enumerate(PACES.items())]
    ranges = find_money_ranges(log, journeys, [Group(), *groups])
    mine = (ranges["segment"] == "quick") & (ranges["measure"] == "share_of_actions")
    return ranges.loc[mine, "effort"].iloc[0]


def prove_time(pool) -> tuple[str, bool]:
    """How right the shares after the sale are, and whether equal segments are in balance."""
    truth, fine = find_true_shares(), True
    head = ["step", "closed after", "runs", "true share by day 180", "estimate (error)", "covered"]
    lines, found = write_head(head), {}
    for delay in DELAYS:
        runs = list(pool.map(try_after_sale, [delay] * RUNS, range(RUNS)))
        found[delay] = np.array(runs)  # (runs, steps, 3)
    for n, step in enumerate(POST_SALE):
        parts = [(f"{delay} days", found[delay][:, n]) for delay in DELAYS]
        parts.append(("all", np.concatenate([runs for _, runs in parts])))
        for name, runs in parts:
            share, low, high = runs.T
            error, covered = (
                share.mean() - truth[step],
                np.mean((low <= truth[step]) & (truth[step] <= high)),
            )
            fine &= abs(error) <= MOST_OFF
            fine &= name != "all" or COVERED[0] <= covered <= COVERED[1]
            must = " (92% to 98%)" if name == "all" else ""
            lines.append(show_row(
                step, name, str(len(runs)), f"{truth[step]:.1%}",
                f"{share.mean():.1%} ({100 * error:+.2f} points, at most 1.5)",
                f"{covered:.1%}{must}",
            ))  # fmt: skip
    even = np.mean([effort == "even" for effort in pool.map(try_effort, range(RUNS))])
    fine &= even >= FEWEST_EVEN
    balance = f"Two equal segments in balance: {even:.1%} of {RUNS} runs (at least 95%)."
    return "\n\n".join([TIME, "\n".join(lines), READ_TIME, balance]), fine


TIME = f"""\
{LEADS} leads of a short path, buyers of every age up to a year, no noise; of them 85 % accept the
launch, 40 % give feedback, 30 % order again, one after the other. Deals are closed as won 0, 20 and
60 days after the payment, which is the sale."""
READ_TIME = """\
How to read it: the share of the buyers that takes a step within 180 days of the sale, with those
watched for less. The truth is that of many buyers all watched for longer, from the planted events.
*In balance*: two segments alike in size of deal, effort and going on, 120 days of data; a step of
the slow one takes 12.5 days, of the quick one half a day. Their shares of managers' actions and of
money must not differ beyond chance."""
