"""Made-up logs of four managers who serve alike: one records in another way, or mix, time and luck
differ. Nothing is to be gained, but in the worlds of `POWER`, each with one difference planted; in
those of `LUCKY` one has the easier clients, and nobody sells worse for it.

`make_world(kind, seed, n_leads)` draws one; kinds are keys of `KINDS`, `LUCKY` and `POWER`. Every
lead walks a path with a chance to go on at each step. A kind says what it changes of the draft
(`Draft`), of the chances (`alter`) and of what is recorded in the end (`record`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import yaml

from funnel_lib.core.events import EventLog, build_log
from funnel_lib.core.journeys import Journeys, build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.datasets.worlds import SPREAD, STEPS, WON

BEFORE_SALE = STEPS[: [step.id for step in STEPS].index(WON) + 1]
IDS = np.array([step.id for step in BEFORE_SALE], object)
SALE, START, DAY = len(IDS) - 1, pd.Timestamp("2025-01-01"), 24 * 60  # minutes, as every clock here
TEAMS = {"A": "north", "B": "north", "C": "south", "D": "south"}
ODD = "D"  # who records in another way, or whose share is another one
CLIENT, ASK, CLOSE = "client", "ask", "close"  # kinds of events
LUCK = 1.0  # standard deviation of an account's log odds to go on
RISE = 0.60, 0.88
EASY, EASIER = "C", 0.7
LOWER_WON, USUAL_SPREAD = 0.08, 0.03
LOWER_STEP = 0.08
BETTER, USUAL = 0.97, 0.72
EFFECT = 0.15


@dataclass(frozen=True)
class Draft:
    """What is drawn for a world before its leads are."""

    paths: tuple[tuple[int, ...], ...]  # of step codes, a path a segment
    go_on: np.ndarray  # (n_segments, n_steps)
    ask: np.ndarray  # (n_steps,) share of leads that are asked, if they are still there then
    step: int  # the step that a kind is about, on the first path
    two: tuple[int, ...]  # the two middle steps of the first path that are not recorded
    first: Mapping[str, float]  # team → share of its leads on the first path
    amounts: np.ndarray  # (n_segments,) medians
    hours: float  # median wait before a step or before leaving
    ask_hours: float
    noise: float  # share of the clients' events that are random steps
    effect: np.ndarray  # (n_steps,) what asking adds to the chance
    days: int = 365
    deals: int = 1  # of an account, all of one manager and one path
    prompt: bool = False  # who leaves is closed at once
    leave: float = 1.0  # leaving takes so many times as long as going on
    drops_early: bool = False  # what came before a lead was opened is not in the log


@dataclass(frozen=True)
class Kind:
    """A kind of world; `odd` are the groups that record in another way, `marks` the rows of the
    table `recording` that show it (steps of the draft, or `closing`, `first_step`, `opening`,
    `lost`)."""

    name: str
    draft: Callable[[np.random.Generator, Draft], Draft] = lambda rng, draft: draft
    alter: Callable[[np.ndarray, pd.DataFrame, Draft, np.random.Generator], np.ndarray] = (
        lambda chance, leads, draft, rng: chance
    )
    record: Callable | None = None  # (leads, events, draft, rng) → leads, events
    n_segments: int = 0  # 0: one or two, by seed
    n_steps: int = 0  # of every path; 0: 5 to 7
    contained: bool = False  # in half of the worlds the second path is a part of the first
    odd: tuple[tuple[str, str], ...] = ()
    marks: Callable[[Draft], set[str]] = lambda draft: set()


@dataclass(frozen=True)
class Made:
    """A world: its log, and what was drawn. `leads` has a row a lead, before anything was recorded,
    with segment and the true chances' outcome `won`."""

    name: str
    kind: Kind
    draft: Draft
    log: EventLog
    journeys: Journeys
    leads: pd.DataFrame
    events: pd.DataFrame  # as recorded: lead_id, at, action, actor


def make_world(kind: str, seed: int, n_leads: int) -> Made:
    """Draw a world of a kind."""
    made = (KINDS | LUCKY | POWER)[kind]
    rng = np.random.default_rng([seed, *kind.encode()])
    draft = made.draft(rng, draw_draft(made, seed, rng))
    leads = draw_leads(draft, n_leads, rng)
    events = walk(draft, leads, made.alter(draft.go_on[leads["segment"]], leads, draft, rng), rng)
    kept, shown = made.record(leads, events, draft, rng) if made.record else (leads, events)
    events, table = write_log(kept, shown, draft)
    log = build_log(events, table, START + pd.Timedelta(draft.days, "D"))
    journeys = build_journeys(log, parse_steps(write_steps(draft)))
    return Made(kind, made, draft, log, journeys, leads, events)


def draw_draft(kind: Kind, seed: int, rng) -> Draft:
    """Draw paths, chances and waits."""
    n_segments = kind.n_segments or 1 + seed % 2
    paths = draw_paths(n_segments, kind.n_steps, kind.contained and seed % 4 < 2, rng)
    asked = np.array([step.asked_by > "" for step in BEFORE_SALE])
    middle = paths[0][1:-1]
    share = rng.uniform(0.35, 0.65)
    return Draft(
        paths=paths,
        go_on=rng.uniform(0.8, 0.9, (n_segments, len(IDS))),
        ask=asked * (rng.random(len(IDS)) < 0.7) * rng.uniform(0.3, 0.8, len(IDS)),
        step=int(rng.choice(middle)),
        two=tuple(sorted(rng.choice(middle, 2, replace=False).tolist())),
        first={"north": share, "south": share},
        amounts=rng.uniform(30_000, 150_000, n_segments),
        hours=rng.uniform(4, 48),
        ask_hours=rng.uniform(4, 48),
        noise=rng.uniform(0, 0.05),
        effect=np.zeros(len(IDS)),
    )


def draw_paths(n_segments: int, n_steps: int, contained: bool, rng) -> tuple[tuple[int, ...], ...]:
    """Draw paths of 5 to 7 steps from the first to the sale that share their second, or one that
    is another with two steps left out."""

    def draw(second, others, n):
        return (0, second, *sorted(rng.choice(others, n - 3, replace=False).tolist()), SALE)

    second, *others = 1, *range(2, SALE)
    size = lambda: n_steps or int(rng.integers(5, 8))  # noqa: E731
    paths = [draw(second, others, 7 if contained else size())]
    while len(paths) < n_segments:
        pool = paths[0][2:-1] if contained else others
        path = draw(second, pool, 5 if contained else size())
        if len({*path} ^ {*paths[0]}) > (1 if contained else 2):
            paths.append(path)
    return tuple(paths)


def draw_leads(draft: Draft, n: int, rng) -> pd.DataFrame:
    """Deal out leads: account, manager, team, segment, source, amount, and when each came."""
    account = np.arange(n) // draft.deals
    n_accounts = account[-1] + 1
    manager = rng.choice([*TEAMS], n_accounts)[account]
    team = np.array([TEAMS[name] for name in manager])
    first = np.array([draft.first[name] for name in team])
    segment = (rng.random(n_accounts)[account] >= first) * (len(draft.paths) - 1)
    median = draft.amounts[segment]
    return pd.DataFrame({
        "account": account, "manager": manager, "team": team, "segment": segment,
        "source": rng.choice(["site", "ads", "referral"], n),
        "amount": (median * np.exp(rng.normal(0, 0.4, n))).round(-2),
        "created": rng.uniform(0, draft.days * DAY, n), "closed": 0.0, "won": False,
    })  # fmt: skip


def walk(draft: Draft, leads: pd.DataFrame, chance: np.ndarray, rng) -> pd.DataFrame:
    """Walk all leads down their paths; notes when each was closed, and whether won. Returns lead,
    at, step, kind.

    Whom a manager asks, and when, is drawn apart from what the client does; who was asked before
    deciding decides by the chance with the effect.
    """
    n, longest = len(leads), max(map(len, draft.paths))
    order = np.array([[*p, *[-1] * (longest - len(p))] for p in draft.paths])[leads["segment"]]
    going, clock, every = np.ones(n, bool), leads["created"].to_numpy(), np.arange(n)
    closed, parts = clock.copy(), [(every, clock, order[:, 0], CLIENT)]
    for step in order.T[1:]:
        going = going & (step >= 0)
        came, due = clock + wait(draft.hours, n, rng), clock + wait(draft.ask_hours, n, rng)
        due = np.where(rng.random(n) < draft.ask[step], due, np.inf)
        goes = rng.random(n) < chance[every, step] + draft.effect[step] * (due < came)
        moved = (due < came) & (draft.effect[step] > 0)
        came = np.where(moved, due + wait(draft.hours, n, rng), came)
        came = np.where(goes, came, clock + draft.leave * (came - clock))
        shut = came + (1 if draft.prompt else DAY + wait(240, n, rng))
        asked = going & (due < np.where(goes, came, shut))
        parts.append((every[asked], due[asked], step[asked], ASK))
        closed = np.where(going, np.where(goes, came, shut), closed)
        going = going & goes
        clock = np.where(going, came, clock)
        parts.append((every[going], came[going], step[going], CLIENT))
        leads["won"] |= going & (step == SALE)
    leads["closed"] = closed
    lost = np.flatnonzero(~leads["won"])
    parts.append((lost, closed[lost], np.zeros(len(lost), int), CLOSE))
    names = ("lead", "at", "step", "kind")
    events = pd.concat([pd.DataFrame(dict(zip(names, part, strict=True))) for part in parts])
    return add_noise(draft, leads, events, rng).sort_values(["lead", "at"], ignore_index=True)


def wait(hours: float, n: int, rng) -> np.ndarray:
    """Draw waits in minutes, two at the least."""
    return np.maximum(hours * 60 * np.exp(rng.normal(0, SPREAD, n)), 2)


def add_noise(draft: Draft, leads, events, rng) -> pd.DataFrame:
    """Add random steps, each between an event of a client and the next, or the lead's closing."""
    shown = events[events["kind"] == CLIENT].sort_values(["lead", "at"], ignore_index=True)
    until = shown.groupby("lead")["at"].shift(-1).fillna(shown["lead"].map(leads["closed"]))
    n = round(draft.noise / (1 - draft.noise) * len(shown))
    after = rng.choice(np.flatnonzero(shown["step"] != SALE), n)
    steps = np.unique([code for path in draft.paths for code in path[:-1]])
    noise = shown.iloc[after].assign(step=rng.choice(steps, n))
    noise["at"] += rng.random(n) * (until.iloc[after] - noise["at"])
    return pd.concat([events, noise])


def write_log(leads, events, draft: Draft) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write events and leads as an export made after the draft's days knows them."""
    until = draft.days * DAY
    leads = leads[leads["created"] <= until]
    rows = events[(events["at"] <= until) & events["lead"].isin(leads.index)]
    asks = np.array([step.asked_by for step in BEFORE_SALE], object)[rows["step"]]
    action = np.where(rows["kind"] == CLIENT, IDS[rows["step"]], asks)
    log = pd.DataFrame({
        "lead_id": name_leads(rows["lead"]), "at": stamp(rows["at"]),
        "action": np.where(rows["kind"] == CLOSE, "deal_lost", action),
        "actor": np.where(rows["kind"] == CLIENT, "client", "manager"),
    })  # fmt: skip
    shut = leads["closed"] <= until
    table = pd.DataFrame({
        "lead_id": name_leads(leads.index), "created_at": stamp(leads["created"]),
        "status": np.where(leads["won"], "won", "lost"),
        "closed_at": stamp(leads["closed"].where(shut)),
        "amount": leads["amount"], "currency": "RUB", "manager": leads["manager"],
        "team": leads["team"], "source": leads["source"],
        "account_id": "A" + leads["account"].astype("str"),
    })  # fmt: skip
    table["status"] = table["status"].where(shut, "open")
    return log.reset_index(drop=True), table.reset_index(drop=True)


def name_leads(numbers) -> np.ndarray:
    """The ids of leads."""
    return np.array([f"L{number:06d}" for number in numbers], object)


def stamp(minutes) -> pd.Series:
    """Minutes since the start as times, to the minute."""
    return START + pd.to_timedelta(np.floor(minutes), unit="min")


def write_steps(draft: Draft) -> str:
    """The steps on any path, as steps.yml."""
    rows = []
    for code in sorted({code for path in draft.paths for code in path}):
        asked = {"asked_by": [BEFORE_SALE[code].asked_by]} if draft.ask[code] else {}
        rows.append({"id": str(IDS[code]), "evidence": [str(IDS[code])]} | asked)
    return yaml.safe_dump({"version": 1, "steps": rows, "won": WON, "lost": ["deal_lost"]})


# What is recorded: each takes (leads, events, draft, rng) and returns leads and events.


def find_own(leads, events, column: str = "manager", value: str = ODD) -> tuple:
    """Which leads, and which events, are of the group that records in another way."""
    own = leads[column] == value
    return own, events["lead"].map(own)


def leave_out_steps(column: str, value: str) -> Callable:
    """Two middle steps are not recorded."""

    def record(leads, events, draft, rng):
        _, own = find_own(leads, events, column, value)
        return leads, events[~(own & (events["kind"] == CLIENT) & events["step"].isin(draft.two))]

    return record


def record_both(*habits: Callable) -> Callable:
    """One habit after the other, each of its own manager."""

    def record(leads, events, draft, rng):
        for habit in habits:
            leads, events = habit(leads, events, draft, rng)
        return leads, events

    return record


def leave_open(share: float) -> Callable:
    """A share of the lost leads is never closed."""

    def record(leads, events, draft, rng):
        own, _ = find_own(leads, events)
        stays = own & ~leads["won"] & (rng.random(len(leads)) < share)
        leads = leads.assign(closed=leads["closed"].mask(stays, np.inf))
        return leads, events[~(events["lead"].map(stays) & (events["kind"] == CLOSE))]

    return record


def record_won_only(leads, events, draft, rng):
    """Steps but the first are written down at the sale, of others nothing but the closing."""
    _, own = find_own(leads, events)
    sold = leads["won"] & (leads["closed"] <= draft.days * DAY)
    kept = ~events["lead"].duplicated() | (events["kind"] == CLOSE) | events["lead"].map(sold)
    return leads, events[~own | kept]


def enter_won_only(leads, events, draft, rng):
    """Lost leads are not entered."""
    own, _ = find_own(leads, events)
    kept = ~own | leads["won"]
    return leads[kept], events[events["lead"].map(kept)]


def open_late(leads, events, draft, rng):
    """A lead is opened when it takes its second step; what came before is in the log, or is not."""
    own, of_own = find_own(leads, events)
    second = np.array([path[1] for path in draft.paths])[leads["segment"]]
    took = (events["kind"] == CLIENT) & (events["step"] == second[events["lead"]])
    opened = events[took].groupby("lead")["at"].min().reindex(leads.index)
    early = draft.drops_early & (events["at"] < events["lead"].map(opened))
    there = ~own | opened.notna()
    leads = leads.assign(created=leads["created"].mask(own, opened))[there]
    return leads, events[events["lead"].map(there) & ~(of_own & early)]


# What happens: each takes (chance, leads, draft, rng) and returns chances, (n_leads, n_steps).


def rise(chance, leads, draft, rng):
    """One step is taken more often the later a lead came, whoever serves it."""
    part = leads["created"].to_numpy() / (draft.days * DAY)
    return put(chance, draft.step, RISE[0] + (RISE[1] - RISE[0]) * part)


def share_luck(chance, leads, draft, rng):
    """All deals of an account have the same luck."""
    luck = rng.normal(0, LUCK, leads["account"].max() + 1)[leads["account"]]
    odds = chance / (1 - chance) * np.exp(luck)[:, None]
    return odds / (1 + odds)


def sell_less(chance, leads, draft, rng):
    """One manager's share won is lower, those of the others lie about the usual."""
    more = dict(zip("ABC", rng.normal(0, USUAL_SPREAD, 3), strict=True))
    more[ODD] = np.mean([*more.values()]) - LOWER_WON
    factors = []
    for path, go_on in zip(draft.paths, draft.go_on, strict=True):
        won = go_on[list(path[1:])].prod()
        factors.append([((won + more[name]) / won) ** (1 / (len(path) - 1)) for name in TEAMS])
    of_lead = np.array(factors)[leads["segment"], leads["manager"].map([*TEAMS].index)]
    return chance * of_lead[:, None]


def sell_more(chance, leads, draft, rng):
    """One manager has the easier clients: each step of theirs is left by `EASIER` times as many."""
    return np.where(
        (leads["manager"] == EASY).to_numpy()[:, None], 1 - EASIER * (1 - chance), chance
    )


def lower_step(chance, leads, draft, rng):
    """One step is taken less often in one team."""
    usual = chance[:, draft.step]
    return put(chance, draft.step, usual - LOWER_STEP * (leads["team"] == "south").to_numpy())


def better_step(chance, leads, draft, rng):
    """One step is taken more often with one manager."""
    return put(chance, draft.step, np.where(leads["manager"] == ODD, BETTER, USUAL))


def put(chance, step: int, share) -> np.ndarray:
    """The same chances but of one step."""
    chance = chance.copy()
    chance[:, step] = share
    return chance


# What is drawn: each takes (rng, draft).


def changing(**settings) -> Callable:
    """A draft with other settings."""
    return lambda rng, draft: replace(draft, **settings)


def ask_all(rng, draft: Draft) -> Draft:
    """Every step that can be asked for is, of 15 to 85 % of the leads."""
    asked = np.array([step.asked_by > "" for step in BEFORE_SALE])
    return replace(draft, ask=asked * rng.uniform(0.3, 0.9, len(IDS)))


def ask_who_stays(rng, draft: Draft) -> Draft:
    """Who leaves does so early and is closed at once, and then is not asked any more."""
    draft = ask_all(rng, draft)
    hours, ask_hours = rng.uniform(24, 96, 2)
    return replace(draft, prompt=True, leave=0.5, hours=hours, ask_hours=ask_hours)


def drop_or_keep(rng, draft: Draft) -> Draft:
    """What came before a lead was opened is dropped in half of the worlds."""
    return replace(draft, drops_early=bool(rng.random() < 0.5))


def ask_with_effect(rng, draft: Draft) -> Draft:
    """One step is asked for, early or late, and asking helps; the others are not."""
    step = rng.choice([code for code in draft.paths[0][1:-1] if BEFORE_SALE[code].asked_by])
    ask, effect, go_on = np.zeros(len(IDS)), np.zeros(len(IDS)), draft.go_on.copy()
    ask[step], effect[step] = rng.uniform(0.3, 0.85), EFFECT
    go_on[:, step] = rng.uniform(0.5, 0.8)
    hours = rng.uniform(24, 96)
    return replace(
        draft, ask=ask, effect=effect, go_on=go_on, step=step, noise=0.0, prompt=True,
        hours=hours, ask_hours=hours * rng.uniform(0.3, 1),
    )  # fmt: skip


D, SOUTH = ("manager", ODD), ("team", "south")
NEVER_CLOSED = {"odd": (D,), "marks": lambda draft: {"closing"}}


def list_two(draft: Draft) -> set[str]:
    """The steps that are not recorded."""
    return {*IDS[list(draft.two)]}


KINDS = {
    "steps": Kind("does not record two steps", record=leave_out_steps(*D), odd=(D,),
                  marks=list_two),
    "never-closes": Kind("never closes", record=leave_open(1), **NEVER_CLOSED),
    "leaves-open": Kind("leaves 30 % open", record=leave_open(0.3), **NEVER_CLOSED),
    "won-only": Kind("records won deals only", record=record_won_only, odd=(D,),
                     marks=lambda draft: {"first_step"}),
    "enters-won": Kind("enters no lost leads", record=enter_won_only, odd=(D,),
                       marks=lambda draft: {"lost"}),
    "opens-late": Kind("opens after the second step", drop_or_keep, record=open_late, odd=(D,),
                       marks=lambda draft: {IDS[0]} if draft.drops_early else {"opening"}),
    "team": Kind("a team does not record two steps", record=leave_out_steps(*SOUTH),
                 odd=(SOUTH, ("manager", "C"), D), marks=list_two),
    "mix": Kind("mix 60 / 40", changing(first={"north": 0.6, "south": 0.4}), n_segments=2,
                contained=True),
    "rise": Kind("a step rose from 60 to 88 %", changing(days=730), rise),
    "null": Kind("nothing, one path of 7 steps", n_segments=1, n_steps=7),
    "null-two": Kind("nothing, two paths", n_segments=2),
    "asks": Kind("asks by lot, no effect", ask_all),
    "asks-early": Kind("who leaves early is asked less", ask_who_stays),
    "accounts": Kind("accounts of 5 deals", changing(deals=5), share_luck),
    "months": Kind("12 equal months", changing(days=395)),
}  # fmt: skip
LUCKY = {
    "easier": Kind("one has easier clients", alter=sell_more),
    "easier-two-odd": Kind(
        "one has easier clients, two record otherwise",
        alter=sell_more,
        record=record_both(leave_out_steps("manager", "A"), leave_open(1)),
        odd=(D, ("manager", "A")),
        marks=lambda draft: {"closing"},
    ),
    "easier-two-odd-mix": Kind(
        "the same, and the fourth has more clients of the other path",
        changing(first={"north": 0.3, "south": 0.7}),
        sell_more,
        record_both(leave_out_steps("manager", "A"), leave_open(1)),
        n_segments=2,
        odd=(D, ("manager", "A")),
        marks=lambda draft: {"closing"},
    ),
}
POWER = {
    "manager-lower": Kind("8 points of won share lower, one of four managers", alter=sell_less),
    "step-lower": Kind("a step 8 points lower in one of two teams", alter=lower_step,
                       n_segments=1),
    "step-better": Kind("97 against 72 % at a step of one of four managers", alter=better_step),
    "asks-help": Kind("asking adds 15 points", ask_with_effect, n_segments=1),
}  # fmt: skip
