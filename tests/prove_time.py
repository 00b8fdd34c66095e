"""Claims on the time after the sale and on equal time, over many planted logs; see `prove.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from cut_exports import CUTS, N, by_creation, cut_planted, plant
from prove_duplicates import prove_duplicates
from proving import show_row, write_head

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.checks import NO_WON, list_cuts
from funnel_lib.counting.leads import list_leads
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


CUT_RUNS, WHOLE_WORLDS = 20, ("kettles", "messy", "date-only", "two-paces", "one")
FEWEST_FOUND, MOST_FALSE = 0.95, 0.02


def try_cut(check: str, run: int) -> tuple[bool, float, float]:
    """Whether a planted cut, and it alone, is found in one log, and how far the share of buyers of
    all leads that are there, and of those that it did not touch, is from that of the whole log."""
    log, _, planted = cut_planted(CUTS[check], FIRST_SEED + run)
    leads = list_leads(log, build_journeys(log, parse_steps(planted.steps_yaml)))
    leads, truth = leads[leads["entered_at"].notna()], plant(FIRST_SEED + run)[1]["status"]
    bought = leads["status"] == "won"
    shares = np.array([bought.mean(), bought[~leads["is_cut"]].mean()])
    found = [cut.check for cut in list_cuts(log)] == [check]
    return found, *(shares - (truth == "won").mean())


def try_whole(world: str, run: int) -> bool:
    """Whether something is found in a log of which nothing is left out, or that is cut by creation,
    which leaves out no part of a lead."""
    events, leads, planted = plant(FIRST_SEED + run, N, world)
    whole = build_log(events, leads, planted.truth["observed_until"])
    return bool(
        list_cuts(whole) or list_cuts(cut_planted(by_creation, FIRST_SEED + run, N, world)[0])
    )


def prove_cuts(pool) -> tuple[str, bool]:
    """How often cuts of an export are found, and what is told of the share of buyers."""
    lines, fine = write_head(["left out by", "logs", "found", "off, all leads", "told (off)"]), True
    for check in CUTS:
        runs = [*pool.map(try_cut, [check] * CUT_RUNS, range(CUT_RUNS))]
        found, off_all, off = (np.mean(values) for values in zip(*runs, strict=True))
        told = "not known" if np.isnan(off) else f"{100 * off:+.1f} points"
        told = "that nobody bought" if check == NO_WON else told
        fine &= found >= FEWEST_FOUND
        cells = f"`{check}`", str(CUT_RUNS), f"{found:.0%}", f"{100 * off_all:+.1f} points", told
        lines.append(show_row(*cells))
    worlds = np.repeat(WHOLE_WORLDS, CUT_RUNS).tolist()
    n_false = sum(pool.map(try_whole, worlds, [*range(CUT_RUNS)] * len(WHOLE_WORLDS)))
    fine &= n_false <= MOST_FALSE * len(worlds)
    false = f"Of {len(worlds)} whole logs, a cut is told of {n_false} (at most 2%)."
    return "\n\n".join(["\n".join(lines), READ_CUTS, false]), fine


READ_CUTS = """\
How to read it: logs of 800 leads, of which a filter left out a part (see `cut_exports`). *Found*:
this cut is told, and no other (at least 95 %). *Off*: the mean difference of the share of buyers to
that of the whole log. Page one says that the share of all leads is not known, and tells that of
the leads that the filter did not touch, which are younger, so that more of them are open."""


def prove_time(pool) -> tuple[str, bool]:
    """How right the shares after the sale are, whether equal segments are in balance, and whether
    what an export leaves out is found."""
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
    cuts, found = prove_cuts(pool)
    twice, told = prove_duplicates()
    parts = [TIME, "\n".join(lines), READ_TIME, balance, cuts, twice]
    return "\n\n".join(parts), fine and found and told


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
