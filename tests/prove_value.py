"""Claims on time, comparisons and money, over many planted logs; `prove.py` runs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from proving import plant_journeys, show_row, write_head
from statsmodels.stats.multitest import multipletests

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.days import find_outcome_days
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WORLDS, PlantedSegment, World
from funnel_lib.sections.groups.count import compare_groups
from funnel_lib.sections.hypotheses.count import build_hypotheses
from funnel_lib.sections.hypotheses.readings import read_split
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.stats.experiments import find_valid_interval, plan_size
from funnel_lib.stats.incidence import estimate_incidence

FIRST_SEED = 5000
COVERED = 0.92, 0.98  # where the coverage of a 95 % interval must lie
ONE = WORLDS["one"].segments["everyone"]
SLOW = World({"everyone": replace(ONE, go_on=0.9, hours=110)}, days=720, noise=0)
DAY, TIMES_RUNS, TIMES_LEADS, TRUE_LEADS = 90, 200, 1500, 150_000
FOLLOW_UPS = (30, 60, 120)  # median days from entry to the export


def watch(n_leads: int, seed: int, follow_up: float):
    """Days and causes of leads of a slow world whose days until the export are exponential."""
    journeys, _ = plant_journeys(SLOW, n_leads, seed)
    entered = journeys.leads["entered_at"]
    watched = (journeys.observed_until - entered) / pd.Timedelta("1D")
    chance = np.random.default_rng(seed).random(n_leads)
    return find_outcome_days(select_leads(journeys, chance < 0.5 ** (watched / follow_up)))


def find_true_share() -> float:
    """The share bought by `DAY`, of leads all watched beyond it."""
    journeys, _ = plant_journeys(SLOW, TRUE_LEADS, FIRST_SEED - 1)
    long = journeys.observed_until - journeys.leads["entered_at"] > pd.Timedelta(f"{DAY + 2}D")
    day, cause = find_outcome_days(select_leads(journeys, long.to_numpy()))
    return ((cause == 1) & (day <= DAY)).mean()


def try_times(follow_up: int, run: int) -> tuple[float, float, float, float, float, int]:
    """Aalen–Johansen's share and interval, open counted as lost, and lost taken for censored."""
    n_planted = round(TIMES_LEADS * SLOW.days / follow_up * np.log(2))
    day, cause = watch(n_planted, FIRST_SEED + run, follow_up)
    found = estimate_incidence(day, cause)
    kaplan = estimate_incidence(day, np.where(cause == 1, 1, 0))
    by = min(DAY, len(found.incidence) - 1)
    naive = ((cause == 1) & (day <= DAY)).mean()
    return found.incidence[by], found.low[by], found.high[by], naive, kaplan.incidence[by], len(day)


def prove_times(pool) -> tuple[str, bool]:
    """How right the share of buyers is under heavy censoring, beside the usual mistakes."""
    truth, fine = find_true_share(), True
    head = ["median follow-up", "runs", "leads", "true share by day 90", "Aalen–Johansen (error)",
            "covered", "open counted as lost", "Kaplan–Meier, lost censored"]  # fmt: skip
    lines = write_head(head)
    for follow_up in FOLLOW_UPS:
        runs = pool.map(try_times, [follow_up] * TIMES_RUNS, range(TIMES_RUNS))
        share, low, high, naive, kaplan, n = np.array(list(runs)).T
        covered, error = ((low <= truth) & (truth <= high)).mean(), share.mean() - truth
        fine &= abs(error) <= 0.01 and COVERED[0] <= covered <= COVERED[1]
        lines.append(show_row(
            f"{follow_up} days", f"{TIMES_RUNS}", f"{n.mean():,.0f}", f"{truth:.1%}",
            f"{share.mean():.1%} ({100 * error:+.2f} points, at most 1)",
            f"{covered:.1%} (92% to 98%)", f"{naive.mean():.1%}", f"{kaplan.mean():.1%}",
        ))  # fmt: skip
    return "\n\n".join([TIMES, "\n".join(lines), READ_TIMES]), fine


TIMES = """\
One slow path (`one`, a step takes 4.6 days in the median, no noise); the days from a lead's entry
to the export are exponential, so that most leads are young and few are watched beyond 90 days."""
READ_TIMES = f"""\
How to read it: the share of leads that have bought within 90 days of entry. The truth is that of
{TRUE_LEADS:,} leads all watched for longer. *Open counted as lost* divides those who bought by all
leads; *Kaplan–Meier, lost censored* takes a lost lead for one that may still buy: both are
warnings, not ways."""


# Two teams of two managers; at one step the south is 8 points below the north.
GAP_STEPS = ("task_stated", "proposal_opened", "terms_agreed")
GO_ON, LOWER, TEAM_LEADS, HYPOTHESES_RUNS = 0.85, 0.08, 3000, 600
PATH = replace(ONE, go_on=GO_ON, skip={})
TEAMS = {"north": ("Anna", "Boris"), "south": ("Vera", "Gleb")}


def plant_teams(seed: int, step: str = "", n_leads: int = TEAM_LEADS, lower: float = LOWER):
    """Journeys of two teams, alike but at one step."""
    parts = []
    for n, (team, names) in enumerate(TEAMS.items()):
        segment = replace(PATH, go_on={step: GO_ON - lower * n})
        managers = dict.fromkeys(names, (team, 1.0))
        world = World({"everyone": segment}, noise=0, managers=managers)
        planted = plant_log(world, n_leads, 2 * seed + n)
        parts.append(
            [t.assign(lead_id=team + t["lead_id"]) for t in (planted.events, planted.leads)]
        )
    events, leads = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    leads["account_id"] = leads["lead_id"]
    log = build_log(events, leads, planted.truth["observed_until"])
    return build_journeys(log, parse_steps(planted.steps_yaml))


BETTER, USUAL = 0.97, 0.72


def glue_parting_teams(seed: int, n_leads: int = 3000):
    """Three paths; at the step after which one of them parts from the rest Zoe is better."""
    parts, clean = [], WORLDS["clean"].segments
    for n, (manager, share) in enumerate({"Zoe": BETTER, "Anna": USUAL, "Boris": USUAL}.items()):
        chances = {"task_stated": share}
        segments = clean | {"thorough": replace(clean["thorough"], go_on=chances)}
        world = World(segments, noise=0, managers={manager: ("north", 1.0)})
        planted = plant_log(world, n_leads // 3, 3 * (FIRST_SEED + seed) + n)
        both = planted.events, planted.leads
        parts.append([t.assign(lead_id=manager + t["lead_id"]) for t in both])
    events, leads = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    leads["account_id"] = leads["lead_id"]
    log = build_log(events, leads, planted.truth["observed_until"])
    return build_journeys(log, parse_steps(planted.steps_yaml))


def find_expected_gain(step: str) -> float:
    """Money more, were the south as good as the north: of leads planted, not of those drawn."""
    before = GO_ON ** (PATH.path.index(step) - 1)
    rest = GO_ON ** (len(PATH.path) - 1 - PATH.path.index(step))
    return TEAM_LEADS * before * LOWER * rest * PATH.amount * np.exp(0.4**2 / 2)


def try_hypotheses(step: str, run: int) -> tuple[bool, bool, float]:
    """Whether the step stands first, its range holds the expected gain, and their ratio."""
    table = build_hypotheses(plant_teams(FIRST_SEED + run, step))
    return judge(table, step, find_expected_gain(step))


FORK = "task_stated | terms_agreed"  # of clean, behind the call


def find_gain_at_fork() -> tuple[float, float]:
    """Money more, had all managers Zoe's share at the fork: if those won over bought like those who
    go on from there now, as the library takes it; and as all of them are on the thorough path."""
    segments = WORLDS["clean"].segments
    usual = (BETTER + 2 * USUAL) / 3
    thorough, quick = (3000 * segments[name].weight * GO_ON for name in ("thorough", "quick"))
    rest, rest_quick = (
        GO_ON ** (len(path) - 1 - path.index(step))
        for path, step in zip(
            (segments["thorough"].path, segments["quick"].path), FORK.split(" | "), strict=True
        )
    )
    went_on = np.array([thorough * usual, quick * GO_ON])
    money = thorough * (BETTER - usual) * PATH.amount * np.exp(0.4**2 / 2)
    return money * np.average([rest, rest_quick], weights=went_on), money * rest


def try_parting(_: str, run: int) -> tuple[bool, bool, float]:
    """The same, of three segments, at the fork where one of them parts."""
    journeys = glue_parting_teams(run)
    table = build_hypotheses(journeys, find_segments(journeys))
    return judge(table, FORK, find_gain_at_fork()[0])


def judge(table: pd.DataFrame, step: str, truth: float) -> tuple[bool, bool, float]:
    """Whether a step stands first, its range holds the truth, and the ratio of its gain to it."""
    mine = table[(table["step"] == step) & (table["lever"] == "help")].iloc[0]
    held = mine["low"] <= truth <= mine["high"]
    return table["step"].iloc[0] == step, held, mine["extra_amount"] / truth


def prove_hypotheses(pool) -> tuple[str, bool]:
    """Whether the planted loss stands first, and its range holds the gain to be expected."""
    head = ["step 8 points lower in one of two teams", "runs", "ranked first by money",
            "range holds the expected gain", "estimate / expected"]  # fmt: skip
    lines, fine = write_head(head), True
    tries = [(step, try_hypotheses) for step in GAP_STEPS] + [("where paths part", try_parting)]
    for step, try_once in tries:
        runs = pool.map(try_once, [step] * HYPOTHESES_RUNS, range(HYPOTHESES_RUNS))
        first, held, ratio = np.array(list(runs), float).T
        fine &= first.mean() >= 0.8 and COVERED[0] <= held.mean() <= COVERED[1]
        lines.append(show_row(
            step, f"{HYPOTHESES_RUNS}", f"{first.mean():.1%} (at least 80%)",
            f"{held.mean():.1%} (92% to 98%)", f"{ratio.mean():.2f}",
        ))  # fmt: skip
    return "\n\n".join([HYPOTHESES, "\n".join(lines), READ_HYPOTHESES]), fine


_CLEAN = WORLDS["clean"].segments
THOROUGH = _CLEAN["thorough"].weight / (_CLEAN["thorough"].weight + _CLEAN["quick"].weight)
LONGER = np.divide(*find_gain_at_fork()[::-1])
HYPOTHESES = f"""\
Two teams of two managers, {TEAM_LEADS:,} leads each, one path of nine steps that {GO_ON:.0%} go on
to; at one step the second team is 8 points below the first. *Where paths part*: 3,000 leads in the
three segments of `clean`, found by the library; one of three managers has {BETTER:.0%} where the
others have {USUAL:.0%}, at the step that sets one segment apart. At that fork (`{FORK}`) groups are
compared by who goes on to either path, so that there, where {THOROUGH:.0%} are on that path, her
lead is {THOROUGH * (BETTER - USUAL):.0%}, not {BETTER - USUAL:.0%}."""
READ_HYPOTHESES = f"""\
How to read it: the reference (team, manager or quarter of entry) is chosen by the library among
all, by shrunk shares. The expected gain is computed from what was planted: leads x share that gets
so far x 8 points of half of them x chance to buy after that x mean amount; at the fork leads x
share that gets so far x her lead above all three managers together x chance to buy of those who go
on to either path x mean amount. That is as the library takes it, which cannot know whom a better
manager would win over: here all of them are on the longer of the two paths, where fewer buy, so
that the gain to be had is {LONGER:.0%} of that. A range whose gain is not beyond chance begins at
0."""


ALPHA = 0.03, 0.07  # how often two equal groups may differ at p < 0.05
NULL_RUNS, NULL_LEADS = 1000, 800


def try_groups(run: int) -> tuple[float, float]:
    """Two equal groups at one step: p; five equal managers at four steps: the smallest p (Holm)."""
    journeys = plant_teams(FIRST_SEED + run, n_leads=NULL_LEADS // 2)
    two = compare_groups(journeys, "team")
    p = two.set_index("step")["p"]["terms_agreed"]
    lots = np.random.default_rng(run).integers(5, size=NULL_LEADS).astype(str)
    drawn = replace(journeys, leads=journeys.leads.assign(lot=lots))
    many = compare_groups(drawn, "lot")
    many = many[many["p"].notna() & many["step"].isin(PATH.path[1:5])]
    return p, correct(many["p"]).min(), len(many)


def correct(p: pd.Series) -> np.ndarray:
    """Holm's correction."""
    return multipletests(p, method="holm")[1]


def prove_groups(pool) -> tuple[str, bool]:
    """How often equal groups are told apart."""
    p, least, n = np.array(list(pool.map(try_groups, range(NULL_RUNS)))).T
    alone, any_of = (p < 0.05).mean(), (least < 0.05).mean()
    lines = write_head(["equal groups", "runs", "comparisons a run", "told apart"])
    lines.append(
        show_row("two, one step, p < 0.05", f"{NULL_RUNS:,}", "1", f"{alone:.1%} (3% to 7%)")
    )
    lines.append(show_row("five, four steps, any after Holm", f"{NULL_RUNS:,}", f"{n.mean():.0f}",
                          f"{any_of:.1%} (at most 7%)"))  # fmt: skip
    fine = ALPHA[0] <= alone <= ALPHA[1] and any_of <= 0.07
    return "\n\n".join([GROUPS, "\n".join(lines)]), fine


GROUPS = f"""\
{NULL_LEADS:,} leads on one path, all treated alike: two teams compared at one step, and five groups
by lot at four steps, each against the others."""

POWER_RUNS, LOOKS, LOOK_RUNS = 400, 10, 20_000
PLANS = ((0.72, 0.80), (0.85, 0.90), (0.40, 0.55))
SHORT = ("request_left", "terms_agreed", "invoice_paid")


def try_test(now: float, then: float, run: int) -> bool:
    """Whether a test of the planned size shows a difference that is there."""
    n, parts = int(plan_size(now, then)), []
    for k, share in enumerate((then, now)):
        segment = PlantedSegment(1, SHORT, go_on={"terms_agreed": share}, hours=24)
        # Leads enter in a third of the year, so that all but none have decided at its end.
        planted = plant_log(
            World({"everyone": segment}, noise=0), 4 * n, 2 * (FIRST_SEED + run) + k
        )
        early = planted.leads["lead_id"][: 3 * n].sample(n, random_state=run)
        own = [t[t["lead_id"].isin(early)] for t in (planted.events, planted.leads)]
        parts.append([t.assign(lead_id=f"{k}" + t["lead_id"]) for t in own])
    events, leads = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    leads["half"] = leads["lead_id"].str[0]
    log = build_log(events, leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    reading = read_split(journeys, "half", "0", "1", step="terms_agreed", n_planned=n)
    return bool(reading["p"].iloc[0] < 0.05)


def look_early(share: float, n: int) -> tuple[float, float]:
    """How often equal halves seem unequal at any of ten looks: valid interval, usual one."""
    rng = np.random.default_rng(FIRST_SEED)
    hits = rng.binomial(n // LOOKS, share, (2, LOOK_RUNS, LOOKS)).cumsum(axis=2)
    part = np.arange(1, LOOKS + 1) / LOOKS
    shares = hits / (n * part)
    error = np.sqrt((shares * (1 - shares)).sum(axis=0) / (n * part))
    difference = shares[0] - shares[1]
    low, high = find_valid_interval(difference, error, part)
    usual = np.abs(difference) > 1.96 * error
    return ((low > 0) | (high < 0)).any(axis=1).mean(), usual.any(axis=1).mean()


def prove_power(pool) -> tuple[str, bool]:
    """Whether tests of the planned size show what is there, and peeking deceives nobody."""
    apart = "equal halves told apart at any of ten looks: by the valid interval"
    head = ["share now → with the change", "leads in each half", "runs", "shown (power)", apart,
            "by the usual one"]  # fmt: skip
    lines, fine = write_head(head), True
    for now, then in PLANS:
        shown = list(
            pool.map(try_test, *zip(*[(now, then, r) for r in range(POWER_RUNS)], strict=True))
        )
        n = int(plan_size(now, then))
        valid, usual = look_early(now, n)
        fine &= 0.75 <= np.mean(shown) <= 0.85 and valid <= 0.05
        lines.append(show_row(
            f"{now:.0%} → {then:.0%}", f"{n:,}", f"{POWER_RUNS}",
            f"{np.mean(shown):.1%} (75% to 85%)", f"{valid:.1%} (at most 5%)", f"{usual:.1%}",
        ))  # fmt: skip
    return "\n\n".join([POWER, "\n".join(lines)]), fine


POWER = f"""\
Planted logs of two halves, read by `read_split` once the planned leads have come; and equal halves
looked at ten times on the way ({LOOK_RUNS:,} runs)."""
