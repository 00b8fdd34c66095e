"""Made-up CRMs whose truth is known: segments, rates, delays and reasons stand beside the data.

A lead walks the path of its segment: steps may be skipped, repeated, swapped or looped, the manager
asks for the next one or does not, and many leads stop early. What lies after the export is cut off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from funnel_lib.core.groups import SKIPPED_OFTEN
from funnel_lib.datasets.truth import (
    START,
    describe_world,
    find_codes,
    find_shares,
    find_world,
    list_rates,
    list_steps,
)
from funnel_lib.datasets.worlds import WON, World

DAY = 24 * 60  # minutes, the unit of every clock here
SPREAD = 0.8  # sigma of the lognormal waits
STAGE_KEPT = 0.9  # how often a manager who acts moves the deal's stage, too
LOST = "deal_lost"
POST_DAYS = {"launch_done": 10, "served": 15, "feedback_given": 20, "repeat_order": 60}
PRODUCTS = {"kettle": 0.4, "iron": 0.3, "toaster": 0.2, "mixer": 0.1}
SOURCES = {"site": 0.45, "ads": 0.3, "referral": 0.15, "fair": 0.1}
REASONS = ("price", "no answer", "competitor", "postponed")
CLIENT, REPORTED, ASK, STAGE, CLOSE = range(5)  # kinds of events, each of some step


@dataclass(frozen=True)
class Planted:
    """A planted CRM and its truth.

    Attributes
    ----------
    events : lead_id, at (UTC, no zone), action, actor; by lead, then time.
    leads : the table of leads as a CRM exports it; one row a lead, in order of entry.
    steps_yaml : the text of steps.yml.
    truth_leads : lead_id; segment; status seen at the export, and final_status; furthest_step,
        missed_step and asked (yes, no, unknown) of lost and open leads by the rule ``passed`` on
        the segment's path, from what was seen at the export, noise left out; the same in the order
        of steps.yml as furthest_in_all, missed_in_all, asked_in_all; stage_ahead of
        furthest_in_all; final_step (furthest on the path had the export waited); n_noise (noise
        events seen); repeat_of (the earlier won deal of the account).
    truth : what was planted, ready for JSON: world, seed, n_leads, observed_until, and so on; for
        each segment its parameters and `reach`: a row a position of its path with go_on, ask and,
        of all its leads (export long after, no noise), the exact probability that the step is
        `taken`, that it or a later one is (`reached`, the rule "passed"), and share_of_previous.
    """

    events: pd.DataFrame
    leads: pd.DataFrame
    steps_yaml: str
    truth_leads: pd.DataFrame
    truth: dict


def plant_log(world: str | World, n_leads: int, seed: int) -> Planted:
    """What does a CRM look like whose segments, rates and reasons are known?

    `world` is a name in `WORLDS`, or a `World` of one's own; the same seed gives the same log.
    Events after the export are cut off; a lead that closes after it is open. Raises `InputError`
    where the world is unknown or contradicts itself, n_leads is below 1, or seed below 0.

    Examples
    --------
    >>> planted = plant_log("kettles", n_leads=200, seed=1)
    >>> planted.events.columns.tolist()
    ['lead_id', 'at', 'action', 'actor']
    >>> planted.truth["segments"]["urgent"]["path"]
    ['request_left', 'call_answered', 'terms_agreed', 'invoice_paid']
    """
    name, world = find_world(world, n_leads, seed)
    steps, rng = list_steps(world), np.random.default_rng(seed)
    fate, walk = _walk_all(world, steps, n_leads, rng)
    noise = _draw_noise(world, steps, fate, walk, rng)
    rest = _draw_rest(world, steps, fate, rng)
    until, unit = world.days * DAY, DAY if world.date_only else 1
    times = ["created", "closed"]
    fate[times] = fate[times].astype("int64") // unit * unit
    fate["status"] = fate["final_status"].where(fate["closed"] <= until, "open")
    seen, noise, rest = (_cut(rows, unit, until) for rows in (walk, noise, rest))
    fate["repeat_of"] = _draw_deals(world.returning, fate, rng)
    truth_leads = _judge_leads(world, steps, fate, walk, seen, noise)
    leads = _list_leads(world, fate, truth_leads["asked_in_all"], rng)
    events = _name_events(pd.concat([seen, noise, rest]), steps)
    truth = {"world": name, "seed": seed, "n_leads": n_leads} | describe_world(world, steps)
    return Planted(events, leads, _write_steps(world, steps), truth_leads, truth)


def write_planted(planted: Planted, folder: str | Path) -> None:
    """Write events.csv, leads.csv, steps.yml, truth.json and truth_leads.csv into a folder.

    UTF-8, comma, ISO times; dates alone where the world's stamps carry no time of day.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_planted(plant_log("date-only", n_leads=50, seed=1), folder)
    ...     len(pd.read_csv(f"{folder}/leads.csv").created_at[0])
    10
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    unit = "D" if planted.truth["date_only"] else "m"
    for name in ("events", "leads", "truth_leads"):
        frame = getattr(planted, name).copy()
        for column in frame.select_dtypes("datetime"):
            text = np.datetime_as_string(frame[column].to_numpy(), unit=unit)
            frame[column] = np.where(text == "NaT", "", text)
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    text = json.dumps(planted.truth, ensure_ascii=False, indent=1)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")


class _Draft:
    """Rows of events as they are drawn: lead, minute, kind, code of the step."""

    def __init__(self):
        self.parts = []

    def add(self, where, lead, clock, kind, step):
        """Note one event for each lead where it happens."""
        columns = (np.broadcast_to(x, where.shape)[where] for x in (lead, clock, kind, step))
        self.parts.append(np.array([*columns], dtype=np.int64))

    def to_frame(self):
        """All rows so far."""
        return pd.DataFrame(np.hstack(self.parts).T, columns=["lead", "at", "kind", "step"])


def _walk_all(world, steps, n_leads, rng):
    """Draw who enters when, and walk every lead down its path; a row a lead, and the events."""
    shares, factors = find_shares(world), np.array([f for _, f in world.managers.values()])
    fate = pd.DataFrame({"group": rng.choice(len(shares), n_leads, p=shares)})
    fate["manager"] = rng.integers(len(factors), size=n_leads)
    fate["created"] = np.sort(rng.uniform(0, world.days * DAY, n_leads))
    draft, closed, won = _Draft(), fate["created"].to_numpy(copy=True), np.zeros(n_leads, bool)
    for k, segment in enumerate(world.segments.values()):
        own = np.flatnonzero(fate["group"] == k)
        factor = factors[fate["manager"].to_numpy()[own]]
        closed[own], won[own] = _walk(world, steps, segment, own, closed[own], factor, draft, rng)
    fate["closed"], fate["final_status"] = closed, np.where(won, "won", "lost")
    return fate, draft.to_frame()


def _walk(world, steps, segment, lead, clock, factor, draft, rng):
    """Walk the leads of one segment; returns when they closed, and who bought."""
    n, path = len(lead), segment.path
    go_on, ask, skip, repeat, unasked = list_rates(segment, steps)
    reported = np.array([world.self_reported * (s.self_reported > "") for s in steps])
    staged = np.array([STAGE_KEPT * (world.stages and s.stage > "") for s in steps])
    order = np.tile(find_codes(steps, path), (n, 1))
    for (first, _), p in segment.swaps.items():
        j, flip = path.index(first), rng.random(n) < p
        order[flip, j : j + 2] = order[flip, j : j + 2][:, ::-1]
    loops = {path.index(block[-1]): (len(block), p) for block, p in segment.loops.items()}
    going, took = np.ones(n, bool), np.zeros(order.shape, bool)

    def take(where, step, wait):
        nonlocal clock
        clock = np.where(where, clock + wait, clock)
        kind = np.where(rng.random(n) < reported[step], REPORTED, CLIENT)
        draft.add(where, lead, clock, kind, step)

    for j, step in enumerate(order.T):
        wait = _draw_waits(segment.hours, n, rng) if j else 0
        if j:
            asked = going & (rng.random(n) < ask[step] * factor)
            # the ask comes halfway through the wait
            clock, wait = clock + asked * wait / 2, np.where(asked, wait / 2, wait)
            draft.add(asked, lead, clock, ASK, step)
            draft.add(asked & (rng.random(n) < staged[step]), lead, clock, STAGE, step)
            going &= rng.random(n) < go_on[step] * np.where(asked, 1, unasked[step])
        again = took[:, j] = going & (rng.random(n) >= skip[step])
        take(again, step, wait)
        while (again := again & (rng.random(n) < repeat[step])).any():
            take(again, step, _draw_waits(segment.hours, n, rng))
        (length, p), again = loops.get(j, (0, 0)), going
        while (again := again & (rng.random(n) < p)).any():
            for i in range(j - length + 1, j + 1):
                take(again & took[:, i], order[:, i], _draw_waits(segment.hours, n, rng))
    return np.where(going, clock, clock + DAY + _draw_waits(10 * 24, n, rng)), going


def _draw_noise(world, steps, fate, walk, rng):
    """Draw random client steps, each after an event of the walk and before the next or closing."""
    won = find_codes(steps, [WON])[0]
    shown = walk[walk["kind"] <= REPORTED].sort_values(["lead", "at"])
    until = shown.groupby("lead")["at"].shift(-1).fillna(shown["lead"].map(fate["closed"]))
    n_noise = round(world.noise / (1 - world.noise) * (shown["kind"] == CLIENT).sum())
    after = rng.choice(np.flatnonzero(shown["step"] != won), n_noise)
    noise = shown.iloc[after].assign(kind=CLIENT, step=rng.integers(won, size=n_noise))
    noise["at"] += (rng.random(n_noise) * (until.iloc[after] - noise["at"])).astype("int64")
    return noise


def _draw_rest(world, steps, fate, rng):
    """Draw what follows the walk: a manager closes the lost, buyers go on; repeat orders recur."""
    draft, clock, n = _Draft(), fate["closed"].to_numpy(), len(fate)
    won = (fate["final_status"] == "won").to_numpy()
    draft.add(~won, np.arange(n), clock, CLOSE, 0)
    for step, p in world.post_sale.items():
        again = won
        while (again := again & (rng.random(n) < p)).any():
            clock = np.where(again, clock + _draw_waits(POST_DAYS[step] * 24, n, rng), clock)
            draft.add(again, np.arange(n), clock, CLIENT, find_codes(steps, [step])[0])
            if step != "repeat_order":
                break
    return draft.to_frame()


def _judge_leads(world, steps, fate, walk, seen, noise):
    """Say for each lead what the rules of counting must find: on its own path, and over all."""
    group, segments = fate["group"].to_numpy(), list(world.segments.values())
    paths = [find_codes(steps, segment.path) for segment in segments]
    optional = [np.flatnonzero(list_rates(s, steps)[2] >= SKIPPED_OFTEN) for s in segments]
    every = [range(find_codes(steps, [WON])[0] + 1)]
    own = _judge(seen, fate, group, paths, optional)
    in_all = _judge(seen, fate, group * 0, every, [()])
    stage = seen[seen["kind"] == STAGE].groupby("lead")["step"].last().reindex(fate.index)
    ids = np.array([s.id for s in steps] + [None], dtype=object)
    return pd.DataFrame({
        "lead_id": _name("L", fate.index),
        "segment": np.array([*world.segments])[group],
        "status": fate["status"],
        "final_status": fate["final_status"],
        "furthest_step": ids[own[0]],
        "missed_step": ids[own[1]],
        "asked": own[2],
        "furthest_in_all": ids[in_all[0]],
        "missed_in_all": ids[in_all[1]],
        "asked_in_all": in_all[2],
        "stage_ahead": stage > in_all[0],
        "final_step": ids[_find_furthest(walk, group, paths)["step"]],
        "n_noise": np.bincount(noise["lead"], minlength=len(fate)),
        "repeat_of": _name("L", fate["repeat_of"]),
    })  # fmt: skip


def _find_furthest(rows, group, paths):
    """Find each lead's furthest step in the order of its group, and when it first took it."""
    rank = np.full((len(paths), max(map(max, paths)) + 1), -1)
    for k, path in enumerate(paths):
        rank[k, path] = np.arange(len(path))
    shown = rows[rows["kind"] <= REPORTED]
    shown = shown.assign(back=-rank[group[shown["lead"]], shown["step"]])
    return shown.sort_values(["lead", "back", "at"]).drop_duplicates("lead")


def _judge(seen, fate, group, paths, optional):
    """Say how far each lead got, which step it missed and whether it was asked for that."""
    following = np.full((len(paths), max(map(max, paths)) + 1), -1)
    for k, path in enumerate(paths):
        for j, step in enumerate(path[:-1]):
            following[k, step] = next(s for s in path[j + 1 :] if s not in optional[k])
    first = _find_furthest(seen, group, paths)
    furthest, since = first["step"].to_numpy(), first["at"].to_numpy()
    missed = np.where(fate["status"] == "won", -1, following[group, furthest])
    lead, at, _, wanted = seen[seen["kind"] == ASK].to_numpy().T
    hit = (wanted == missed[lead]) & (at >= since[lead]) & (at <= fate["closed"].to_numpy()[lead])
    cases = missed < 0, ~np.isin(missed, wanted), np.isin(fate.index, lead[hit])
    words = np.array([None, "unknown", "yes", "no"], dtype=object)
    return furthest, missed, words[np.select(cases, [0, 1, 2], 3)]


def _list_leads(world, fate, asked, rng):
    """Write the leads table; segments show in the amount only, reasons are a manager's guess."""
    n, shut, lost = len(fate), fate["status"] != "open", fate["status"] == "lost"
    median = np.array([s.amount for s in world.segments.values()])[fate["group"]]
    guess = np.where(asked == "no", "no answer", "price")
    reason = np.where(rng.random(n) < 0.3, guess, rng.choice(REASONS, n))
    account = fate["repeat_of"].where(fate["repeat_of"] >= 0, fate.index)
    return pd.DataFrame({
        "lead_id": _name("L", fate.index),
        "created_at": _stamp(fate["created"]),
        "status": fate["status"],
        "closed_at": _stamp(fate["closed"]).where(shut),
        "amount": (median * np.exp(rng.normal(0, 0.4, n))).round(-2).astype(int),
        "currency": world.currency,
        "manager": np.array([*world.managers])[fate["manager"]],
        "team": np.array([team for team, _ in world.managers.values()])[fate["manager"]],
        "product": rng.choice([*PRODUCTS], n, p=[*PRODUCTS.values()]),
        "source": rng.choice([*SOURCES], n, p=[*SOURCES.values()]),
        "loss_reason": pd.Series(reason).where(lost),
        "account_id": _name("A", account),
    })  # fmt: skip


def _draw_deals(returning, fate, rng):
    """Draw which leads are another deal of an account that bought before; -1 if of none."""
    comes_back = rng.random(len(fate)) < returning
    sales = fate[(fate["final_status"] == "won") & ~comes_back].sort_values("closed")["closed"]
    n_before = np.searchsorted(sales, fate["created"])
    pick = (rng.random(len(fate)) * n_before).astype(int)
    return np.where(comes_back & (n_before > 0), np.append(sales.index, -1)[pick], -1)


def _cut(rows, unit, until):
    """Round times down to the unit of the stamps and drop what the export cannot know."""
    rows = rows.assign(at=rows["at"] // unit * unit)
    return rows[rows["at"] <= until]


def _name_events(rows, steps):
    """Write rows as an event table, by lead, time and step: the order of ties means nothing."""
    rows = rows.sort_values(["lead", "at", "kind", "step"], ignore_index=True)
    names = [[s.id, s.self_reported, s.asked_by, f"stage: {s.stage}", LOST] for s in steps]
    events = pd.DataFrame({"lead_id": _name("L", rows["lead"]), "at": _stamp(rows["at"])})
    events["action"] = np.array(names)[rows["step"], rows["kind"]]
    events["actor"] = np.where(rows["kind"] == CLIENT, "client", "manager")
    return events


def _write_steps(world, steps):
    """Write the world's steps as steps.yml."""
    rows = []
    for step in steps:
        shows = [step.id]
        if world.self_reported and step.self_reported:
            shows.append(step.self_reported)
        if world.returning and step.id == "repeat_order":
            shows.append({"action": WON, "other_deal": True})
        row = {"id": step.id, "name": {"en": step.en, "ru": step.ru}, "evidence": shows}
        rows.append(row | ({"asked_by": [step.asked_by]} if step.asked_by else {}))
    text = {"version": 1, "steps": rows, "won": WON, "post_sale": list(world.post_sale)}
    if world.stages:
        text["stages"] = {s.stage: s.id for s in steps if s.stage}
    if world.self_reported:
        text["self_reported"] = [s.self_reported for s in steps if s.self_reported]
    text["lost"] = [LOST]
    return yaml.safe_dump(text, allow_unicode=True, sort_keys=False, default_flow_style=None)


def _draw_waits(hours, n, rng):
    """Draw waits in minutes, at least two, so that a lead's events keep their order."""
    return np.maximum(hours * 60 * np.exp(rng.normal(0, SPREAD, n)), 2)


def _stamp(minutes):
    return START + pd.to_timedelta(minutes, unit="min")


def _name(letter, numbers):
    """Write ids: A1 for 0, and so on; none for -1."""
    numbers = pd.Series(np.asarray(numbers) + 1)
    return (letter + numbers.astype(str)).where(numbers > 0)
