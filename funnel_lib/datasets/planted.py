"""Made-up CRMs whose truth is known: segments, rates, delays and reasons stand beside the data.

A lead walks the path of its segment: steps may be skipped, repeated, swapped or looped, and many
leads stop early. Whether and when the manager asks for the next step is drawn apart from when the
client takes it or leaves: some ask too late, some those already gone. What lies after the export is
cut off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from funnel_lib.datasets.standing import place_leads
from funnel_lib.datasets.truth import (
    DAYS_OPEN,
    START,
    describe_world,
    find_codes,
    find_shares,
    find_world,
    list_rates,
    list_steps,
)
from funnel_lib.datasets.worlds import ASKS, SPREAD, WON, World, translate, translate_world

DAY = 24 * 60  # minutes, the unit of every clock here
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
    truth_leads : lead_id; segment and its path (ids joined by " > "); status seen at the export,
        and final_status; furthest_step, missed_step and asked (yes, no, unknown: by an ask for that
        step from entry to closing) of lost and open leads by the rule ``passed`` on the segment's
        path, from what was seen at the export, noise left out; the same in the order of steps.yml
        as furthest_in_all, missed_in_all, asked_in_all; the same in the tree of all paths, whose
        places are numbered from 1, depth first, as tree_node, tree_missed (at a fork the next steps
        joined by " | "), tree_asked; stage_ahead of furthest_in_all; final_step (furthest on the
        path had the export waited); n_noise (noise events seen); repeat_of (the earlier won deal of
        the account).
    truth : what was planted, ready for JSON: world, seed, n_leads, lang, observed_until, and so on,
        `share_won` of all leads; for each segment its parameters, `share` of leads, `share_won`,
        `asked_in_time` (the chance that an ask not made ahead comes before the client has taken the
        step or left) and `reach`: a row a position of its path with go_on, ask and, of all its
        leads (export long after, no noise), the exact probability that the step is `taken`, that it
        or a later one is (`reached`, the rule "passed"), share_of_previous, and `asked_gain`: by
        how much more of those go on who are asked while they have neither taken the step nor been
        closed; share_of_previous by manager as `managers`.
    """

    events: pd.DataFrame
    leads: pd.DataFrame
    steps_yaml: str
    truth_leads: pd.DataFrame
    truth: dict


def plant_log(world: str | World, n_leads: int, seed: int, lang: str = "en") -> Planted:
    """What does a CRM look like whose segments, rates and reasons are known?

    `world` is a name in `WORLDS`, or a `World` of one's own; the same seed gives the same log.
    `lang` is the language of names (managers, teams, products, sources, reasons, stages), en or ru;
    nothing else depends on it, and names of a world of one's own stay as they are.
    Events after the export are cut off; a lead that closes after it is open. Raises `InputError`
    where the world or language is unknown or the world contradicts itself, n_leads is below 1, or
    seed below 0.

    Examples
    --------
    >>> planted = plant_log("kettles", n_leads=200, seed=1)
    >>> planted.events.columns.tolist()
    ['lead_id', 'at', 'action', 'actor']
    >>> planted.truth["segments"]["urgent"]["path"]
    ['request_left', 'call_answered', 'terms_agreed', 'invoice_paid']
    """
    name, world = find_world(world, n_leads, seed, lang)
    world = translate_world(world, lang)
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
    leads = _list_leads(world, fate, truth_leads["asked_in_all"], lang, rng)
    events = _name_events(pd.concat([seen, noise, rest]), steps)
    truth = {"world": name, "seed": seed, "n_leads": n_leads, "lang": lang}
    truth |= describe_world(world, steps)
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
    n, path, rates = len(lead), segment.path, list_rates(segment, steps)
    staged = np.array([STAGE_KEPT * (world.stages and s.stage > "") for s in steps])
    reported = np.array([world.self_reported * (s.self_reported > "") for s in steps])
    order = np.tile(find_codes(steps, path), (n, 1))
    for (first, _), p in segment.swaps.items():
        j, flip = path.index(first), rng.random(n) < p
        order[flip, j : j + 2] = order[flip, j : j + 2][:, ::-1]
    loops = {path.index(block[-1]): (len(block), p) for block, p in segment.loops.items()}
    walkers = _Walkers(segment, rates, staged, reported, lead, clock, factor, draft, rng)
    _, _, skip, repeat, _ = rates
    took = np.zeros(order.shape, bool)
    for j, step in enumerate(order.T):
        at = walkers.decide(step, may_be_ahead=j > 1) if j else clock
        again = took[:, j] = walkers.going & (rng.random(n) >= skip[step])
        walkers.take(again, step, at)
        while (again := again & (rng.random(n) < repeat[step])).any():
            walkers.take_again(again, step)
        (length, p), again = loops.get(j, (0, 0)), walkers.going
        while (again := again & (rng.random(n) < p)).any():
            for i in range(j - length + 1, j + 1):
                walkers.take_again(again & took[:, i], order[:, i])
    return walkers.close(), walkers.going


class _Walkers:
    """The leads of one segment on their way: who still goes, and where each one's clock stands."""

    def __init__(self, segment, rates, staged, reported, lead, clock, factor, draft, rng):
        self.segment, self.rates, self.staged, self.reported = segment, rates, staged, reported
        self.lead, self.clock, self.factor, self.draft, self.rng = lead, clock, factor, draft, rng
        self.going = np.ones(len(lead), bool)
        self.before = self.came = self.left = clock  # the node before and its step; leaving
        # the ask for which a lead that left was meant: it left once, so there is one at most
        self.vain, self.vain_at, self.vain_step = ~self.going, clock, np.zeros(len(lead), int)
        self.vain_moved = self.vain

    def draw(self):
        """A number from 0 to 1 for each."""
        return self.rng.random(len(self.lead))

    def wait(self, hours):
        """A wait for each, in minutes."""
        return _draw_waits(hours, len(self.lead), self.rng)

    def take(self, where, step, at):
        """Note that some take a step; when."""
        self.came = self.clock = np.where(where, at, self.clock)
        kind = np.where(self.draw() < self.reported[step], REPORTED, CLIENT)
        self.draft.add(where, self.lead, self.clock, kind, step)

    def take_again(self, where, step):
        """Note that some take a step once more, without being asked; `came` stays the first."""
        wait, came = self.wait(self.segment.hours), self.came
        self.take(where, step, self.clock + wait)
        self.came = came

    def decide(self, step, may_be_ahead):
        """Let each go on to a step or leave; returns when it takes the step, unless it skips it.

        Client and manager have a clock each. Left alone, the client goes on or leaves after its
        wait; where the manager's ask comes before that, it decides anew and waits anew.
        """
        go_on, ask, _, _, unasked = self.rates
        at = self.clock + self.wait(self.segment.hours)
        meant = self.going & (self.draw() < ask[step] * self.factor)
        moved = self.draw() < self.staged[step]
        goes = self.going & (self.draw() < go_on[step] * unasked[step])
        node = self.clock
        if meant.any():
            ahead = meant & may_be_ahead & (self.draw() < self.segment.ask_ahead)
            due = np.where(ahead, node, node + self.wait(self.segment.ask_hours))
            in_time = meant & (due < at)
            self._ask_in_vain(meant & ~in_time & ~goes, due, step, moved)
            between = self.before + self.draw() * (self.came - self.before)
            self._ask(in_time, np.where(ahead, between, due), step, moved)
            self.clock = np.where(in_time, due, node)
            at = np.where(in_time, due + self.wait(self.segment.hours), at)
            goes = np.where(in_time, self.draw() < go_on[step], goes)
        self.left = np.where(self.going & ~goes, at, self.left)
        self.before, self.going = node, goes
        return at

    def _ask(self, where, at, step, moved):
        self.draft.add(where, self.lead, at, ASK, step)
        self.draft.add(where & moved, self.lead, at, STAGE, step)

    def _ask_in_vain(self, where, at, step, moved):
        """Keep asks that come to clients already gone: they are made unless the lead is closed."""
        self.vain, self.vain_at = self.vain | where, np.where(where, at, self.vain_at)
        self.vain_step = np.where(where, step, self.vain_step)
        self.vain_moved = np.where(where, moved, self.vain_moved)

    def close(self):
        """When each was closed: at the sale, or some time after it left."""
        least, rest = DAYS_OPEN
        lost = self.left + least * DAY + self.wait(rest * 24)
        closed = np.where(self.going, self.clock, lost)
        self._ask(
            self.vain & (self.vain_at < closed), self.vain_at, self.vain_step, self.vain_moved
        )
        return closed


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
    """Say for each lead what the rules of counting must find."""
    group, segments = fate["group"].to_numpy(), world.segments.values()
    shows, asks = seen[seen["kind"] <= REPORTED], seen[seen["kind"] == ASK]
    measured = {*shows["step"], *noise["step"]}
    placed = place_leads(world, steps, fate, shows, asks, measured)
    stage = (
        seen[seen["kind"] == STAGE]
        .sort_values("at", kind="stable")
        .groupby("lead")["step"]
        .last()
        .reindex(fate.index)
    )
    ids = np.array([s.id for s in steps], dtype=object)
    final = _find_furthest(walk, group, [find_codes(steps, s.path) for s in segments])
    furthest = placed["furthest_in_all"].map({step: code for code, step in enumerate(ids)})
    return pd.DataFrame({
        "lead_id": _name("L", fate.index),
        "segment": np.array([*world.segments])[group],
        "path": np.array([" > ".join(s.path) for s in segments])[group],
        "status": fate["status"],
        "final_status": fate["final_status"],
        **placed[["furthest_step", "missed_step", "asked"]],
        **placed[["furthest_in_all", "missed_in_all", "asked_in_all"]],
        **placed[["tree_node", "tree_missed", "tree_asked"]],
        "stage_ahead": stage > furthest,
        "final_step": ids[final],
        "n_noise": np.bincount(noise["lead"], minlength=len(fate)),
        "repeat_of": _name("L", fate["repeat_of"]),
    })  # fmt: skip


def _find_furthest(rows, group, paths):
    """Find each lead's furthest step in the order of its group."""
    rank = np.full((len(paths), max(map(max, paths)) + 1), -1)
    for k, path in enumerate(paths):
        rank[k, path] = np.arange(len(path))
    shown = rows[rows["kind"] <= REPORTED]
    shown = shown.assign(back=-rank[group[shown["lead"]], shown["step"]])
    return shown.sort_values(["lead", "back"]).drop_duplicates("lead")["step"].to_numpy()


def _list_leads(world, fate, asked, lang, rng):
    """Write the leads table; segments show in the amount only, reasons are a manager's guess."""
    n, shut, lost = len(fate), fate["status"] != "open", fate["status"] == "lost"
    median = np.array([s.amount for s in world.segments.values()])[fate["group"]]
    guess = np.where(asked == "no", "no answer", "price")
    reason = np.where(rng.random(n) < 0.3, guess, rng.choice(REASONS, n))
    account = fate["repeat_of"].where(fate["repeat_of"] >= 0, fate.index)
    amount = (median * np.exp(rng.normal(0, 0.4, n))).round(-2).astype(int)
    products, sources = (rng.choice([*x], n, p=[*x.values()]) for x in (PRODUCTS, SOURCES))
    return pd.DataFrame({
        "lead_id": _name("L", fate.index),
        "created_at": _stamp(fate["created"]),
        "status": fate["status"],
        "closed_at": _stamp(fate["closed"]).where(shut),
        "amount": amount,
        "currency": world.currency,
        "manager": np.array([*world.managers])[fate["manager"]],
        "team": np.array([team for team, _ in world.managers.values()])[fate["manager"]],
        "product": [translate(name, lang) for name in products],
        "source": [translate(name, lang) for name in sources],
        "loss_reason": pd.Series([translate(name, lang) for name in reason]).where(lost),
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
        asked = {"asked_by": [step.asked_by], "ask": ASKS[step.id]} if step.asked_by else {}
        rows.append(row | asked)
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
