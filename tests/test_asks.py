"""Does proposing help: by hand, against obvious loops, with planted truth, what always holds."""

import json

import numpy as np
import pandas as pd
import pytest

import funnel_lib as fl
from funnel_lib.comparing import asks as counting
from funnel_lib.comparing.asks import compare_asked
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.core.tables import list_columns
from funnel_lib.core.times import HOUR, NEVER
from funnel_lib.core.words import Words
from funnel_lib.counting.days import find_mature
from funnel_lib.counting.tree import find_places
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import SPREAD, WON, PlantedSegment, World
from funnel_lib.drawing.pictures import shorten
from funnel_lib.sections.asks.count import count_asks
from funnel_lib.sections.asks.draw import plot_asks
from funnel_lib.sections.asks.tell import (
    tell_asks,
    tell_asks_by_step,
    tell_proposing,
    tell_unproven,
)
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.stats import landmark
from funnel_lib.stats.differences import FAMILY
from funnel_lib.stats.incidence import OPEN, OTHERWISE, TAKEN
from funnel_lib.stats.landmark import estimate_gain

START = pd.Timestamp("2025-01-01 00:07", tz="UTC")
ASKS = {"send": ["read"], "push": ["read", "meet", "sign"], "invite": ["meet"], "bill": ["pay"]}
STEPS = Steps(
    steps=[
        {"id": step, "asked_by": [ask for ask, wanted in ASKS.items() if step in wanted]}
        for step in ("ask", "read", "meet", "sign", "pay")
    ],
    won="pay",
    lost=["gone"],
)
PATHS = ("ask read meet sign pay", "ask meet read pay")
PATH = ("request_left", "call_answered", "task_stated", "proposal_opened", "terms_agreed", WON)
EXACT = 1e-12  # the same sums in another order
OWN = {"meet": "meet", "sign": "sign", "pay": "pay"}  # steps that go by their ids
EN, RU = Words("en", {"read": "Read it"} | OWN), Words("ru", {"read": "Прочитал"} | OWN)


def journeys_of(text, until=60, steps=STEPS):
    """Journeys of lines such as ``a: 1 ask, 3 send``: a lead, and what came on which day."""
    rows = [
        (lead.strip(), *event.split())
        for lead, events in (line.split(":") for line in text.strip().splitlines())
        for event in events.split(",")
    ]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    return build_journeys(build_log(events, None, START + pd.Timedelta(days=until)), steps)


def place(table, step):
    return table[table["step"] == step].iloc[0]


@pytest.fixture
def tell_all(monkeypatch):
    """Let few leads suffice."""
    monkeypatch.setattr(counting, "FEWEST", 1)
    monkeypatch.setattr(counting, "FEWEST_LEFT", 0)


# By hand

HAND = """
a: 1 ask, 3 send, 5 read
b: 1 ask, 4 read
c: 1 ask, 6 read
d: 1 ask, 6 gone, 7 send
e: 1 ask, 2 send, 9 gone
f: 1 read, 2 ask, 3 send
g: 1 ask, 4 meet, 5 send
h: 1 ask, 1 send, 3 read
i: 2 ask, 1 send, 5 gone
j: 1 ask, 5 send, 6 read
"""


def test_the_undecided_are_compared_by_hand(tell_all):
    """Before `read`, days from `ask`. Asked: h at 0, e at 1, a at 2, j at 4. f read before it
    asked; d was asked after it was lost, g after it met, i before it entered.

    Not asked yet: on day 3 of b c d g i j, 6, b and g go on and i is lost: F 2/6, S 3/6. On 4 j is
    asked, on 5 of c and d one goes on: F 2/6 + 3/6 1/2 = 7/12. So h, e and a would have gone on
    with 7/12, j with (7/12 - 4/12) / (6/12) = 1/2: together (3 7/12 + 1/2) / 4 = 9/16.
    Asked, days from then on: j goes on 1 later, a and h 2 later, e is lost: 3/4.
    """
    row = place(compare_asked(journeys := journeys_of(HAND), find_places(journeys)), "read")
    assert row["landmark_days"] == 1.5
    counts = ["n_asked", "n_asked_went_on", "n_not_asked", "n_not_asked_went_on", "n_lost"]
    assert row[counts].tolist() == [4, 3, 5, 3, 3]  # b c d g i, of whom d and i were lost
    assert row["share_asked"] == pytest.approx(3 / 4)
    assert row["share_not_asked"] == pytest.approx(9 / 16)
    assert row["difference"] == pytest.approx(3 / 16)


def test_an_ask_at_the_moment_of_going_on_comes_before_it():
    journeys = journeys_of("a: 1 ask, 3 send, 3 read, 9 gone\nb: 1 ask, 4 gone")
    row = place(count_asks(journeys), "read")
    assert row[["n_asked", "n_asked_went_on", "landmark_days"]].tolist() == [1, 1, 2]


def test_an_ask_made_ahead_counts_from_the_step_before():
    journeys = journeys_of("a: 1 ask, 2 invite, 5 read, 6 meet, 9 gone\nb: 1 ask, 4 gone")
    row = place(count_asks(journeys), "meet")
    assert row[["n_asked", "n_asked_went_on", "landmark_days"]].tolist() == [1, 1, 0]


def test_an_ask_for_several_steps_counts_for_the_earliest_not_taken():
    """The first push of a for reading, the second for signing; b shows that all can be seen."""
    text = "a: 1 ask, 2 push, 3 read, 4 meet, 5 push, 8 gone\nb: 1 ask, 4 sign, 5 pay"
    table = count_asks(journeys_of(text)).set_index("step")
    assert table["n_asked"].to_dict() == {"read": 1, "meet": 0, "sign": 1}  # no bill for pay


# Against obvious loops


def go_slowly(waits):
    """Aalen and Johansen in a plain loop over `waits`, (time, cause): the shares undecided and gone
    on before each time, and the share gone on at last."""
    known, undecided, gone = {}, 1.0, 0.0
    for now in sorted({time for time, _ in waits}):
        known[now] = undecided, gone
        there = [(t, c) for t, c in waits if t > now or (t == now and c != "asked")]
        causes = [c for t, c in there if t == now]
        if there:
            gone += undecided * causes.count(TAKEN) / len(there)
            undecided *= 1 - (causes.count(TAKEN) + causes.count(OTHERWISE)) / len(there)
    return known, gone


def compare_slowly(end, cause, ask):
    leads = list(zip(end, cause, ask, strict=True))
    known, at_last = go_slowly([(a, "asked") if a < NEVER else (e, c) for e, c, a in leads])
    unasked = [(at_last - known[a][1]) / known[a][0] for a in ask if a < NEVER]
    return go_slowly([(e - a, c) for e, c, a in leads if a < NEVER])[1], float(np.mean(unasked))


def draw_watch(seed, n=60, longest=12):
    """Random watches on few days, so that much falls on one day."""
    rng = np.random.default_rng(seed)
    end, cause = (
        rng.integers(0, longest, n),
        rng.choice([OPEN, TAKEN, OTHERWISE], n, p=[0.2, 0.5, 0.3]),
    )
    ask = rng.integers(0, longest, n)
    return end, cause, np.where((ask <= end) & (rng.random(n) < 0.7), ask, NEVER)


@pytest.mark.parametrize("seed", range(5))
def test_shares_and_error_as_an_obvious_loop_has_them(seed):
    watch = draw_watch(seed)
    gain = estimate_gain(*watch, np.arange(60))
    asked, unasked = compare_slowly(*watch)
    assert gain.share_asked == pytest.approx(asked, abs=EXACT)
    assert gain.share_not_asked == pytest.approx(unasked, abs=EXACT)
    left = []  # 60 units are 60 blocks: each one is left out
    for one in range(60):
        asked, unasked = compare_slowly(*(np.delete(what, one) for what in watch))
        left.append(asked - unasked)
    error = np.sqrt(59 / 60 * np.sum((np.array(left) - np.mean(left)) ** 2))
    assert gain.error == pytest.approx(error, abs=EXACT)


def draw_text(rng, n_leads):
    """Random journeys, many things on one day."""
    lines = []
    for lead in range(n_leads):
        path = PATHS[int(rng.integers(2))].split()
        begin, events, day = int(rng.integers(0, 20)), [], 0
        for step in path[: int(rng.integers(1, 6))]:
            if rng.random() < 0.9 or not events:
                events.append((begin + day, step))
            day += int(rng.integers(0, 4))
        events += [(begin + int(rng.integers(-1, 9)), ask) for ask in ASKS if rng.random() < 0.4]
        if events[-1][1] != "pay" and rng.random() < 0.7:
            events.append((begin + day + int(rng.integers(0, 5)), "gone"))
        lines.append(f"l{lead}: " + ", ".join(f"{max(d, 0)} {action}" for d, action in events))
    return "\n".join(lines)


def watch_slowly(text, journeys, places, node, until):
    """Each lead's coming, end, cause and ask at a node, one lead after the other."""
    tree, found = places.tree, []
    mature, path = find_mature(journeys), places.path[places.counted.of_lead]
    status = journeys.leads.set_index("lead_id")["status"]
    rows = {lead: n for n, lead in enumerate(journeys.leads["lead_id"])}
    for line in text.splitlines():
        lead, _, events = line.partition(":")
        events = [(float(d), action) for d, action in (e.split() for e in events.split(","))]
        n = rows[lead]
        if path[n] not in node.segments or not mature[n]:
            continue
        skeleton, route = tree.skeletons[path[n]], tree.routes[path[n]]
        depth, is_lost = route.index(node.number), status[lead] == "lost"
        closed = max((d for d, a in events if a == "gone"), default=until)
        # what a lost lead shows later than its closing is no evidence, nor is a sale
        shown = [(d, a) for d, a in events if a in STEPS.ids]
        if is_lost:
            shown = [(d, a) for d, a in shown if d < closed + 1 and a != "pay"]
        entered = min(d for d, _ in shown)
        before = [[d for d, a in shown if a == s] for s in skeleton[max(depth - 2, 0) : depth]]
        goes = [d for d, a in shown if a in (*node.next_steps, *skeleton[depth:])]
        since = max(min(days, default=np.inf) for days in before)  # both steps before are seen
        if since == np.inf or (goes and min(goes) < since):
            continue
        end = max(min(goes) if goes else closed if is_lost else until, since)
        asked = [
            d for d, a in events
            if entered <= d <= end
            and _is_meant(a, d, shown, skeleton, [tree.nodes[r - 1] for r in route], depth)
        ]  # fmt: skip
        cause = TAKEN if goes else OTHERWISE if is_lost else OPEN
        ask = max(min(asked) - since, 0) if asked else NEVER
        found.append((end - since, cause, ask))
    return found


def _is_meant(action, day, shown, skeleton, nodes, depth):
    wanted = ASKS.get(action, [])
    if len(wanted) == 1:
        return wanted[0] in nodes[depth].next_steps
    furthest = max((skeleton.index(a) for d, a in shown if d < day and a in skeleton), default=-1)
    waits = [d for d, n in enumerate(nodes) if d > furthest and {*wanted} & {*n.next_steps}]
    return bool(waits) and waits[0] == depth


@pytest.mark.parametrize("n_paths", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_places_as_an_obvious_loop_has_them(seed, n_paths, tell_all):
    rng = np.random.default_rng(seed)
    text, found = draw_text(rng, 120), None
    journeys = journeys_of(text)
    if n_paths == 2:
        weights = rng.random((120, 2))
        paths = tuple(tuple(path.split()) for path in PATHS)
        found = Segmentation(STEPS.before_sale, ("s1", "s2"), paths, ((), ()), weights)
    places = find_places(journeys, found)
    table = compare_asked(journeys, places).set_index("node")
    told = [node for node in places.tree.nodes if node.parent]
    assert table.index.tolist() == [node.number for node in told]
    for node in told:
        row = table.loc[node.number]
        watch = watch_slowly(text, journeys, places, node, 60)
        asks = [ask for *_, ask in watch if ask < NEVER]
        assert row["n_asked"] == len(asks), node
        assert row["n_asked_went_on"] == sum(a < NEVER and c == TAKEN for _, c, a in watch)
        if not asks:
            continue
        half = np.median(asks)
        assert row["landmark_days"] == pytest.approx(half)
        there = [c for e, c, a in watch if a == NEVER and e >= half]
        assert row["n_not_asked"] == len(there)
        assert row["n_not_asked_went_on"] == there.count(TAKEN)
        if pd.notna(row["difference"]):
            shares = compare_slowly(*zip(*watch, strict=True))
            assert row[["share_asked", "share_not_asked"]].tolist() == pytest.approx(shares)


# With planted truth


def plant(seed, n_leads=3000, date_only=False, noise=0.0, record=None, **segment):
    segment = {"go_on": 0.8, "ask": 0.5, "ask_hours": 12.0} | segment
    world = World({"all": PlantedSegment(1, PATH, **segment)}, noise, date_only=date_only)
    planted = plant_log(world, n_leads, seed)
    steps = parse_steps(planted.steps_yaml)
    events = record(planted.events, steps) if record else planted.events
    log = build_log(events, planted.leads, planted.truth["observed_until"])
    return build_journeys(log, steps)


def record_with_step(share, minutes):
    """For a share of the steps taken an ask is put down about so many minutes before them."""

    def record(events, steps):
        rng = np.random.default_rng(0)
        taken = events[events["action"].isin(PATH[1:]) & (rng.random(len(events)) < share)]
        asked_by = {s.id: s.asked_by[0].action for s in steps.steps if s.asked_by}
        early = np.round(minutes * rng.lognormal(0, 0.5, len(taken)))
        asks = taken.assign(
            at=pd.to_datetime(taken["at"]) - pd.to_timedelta(early, unit="min"),
            action=taken["action"].map(asked_by), actor="manager",
        )  # fmt: skip
        return pd.concat([events.assign(at=pd.to_datetime(events["at"])), asks])

    return record


def find_truth(go_on=0.8, unasked=0.6, hours=24.0, ask_hours=12.0):
    """What asking adds for the leads asked while nobody knew that they had left: an ask in time
    adds go_on (1 - unasked), one that comes when the client has left in silence adds nothing. A
    lead that left is closed a day and about ten days later: see `planted._Walkers`."""
    rng = np.random.default_rng(0)
    wait, asked, closing = (h * np.exp(SPREAD * rng.standard_normal(10**6))
                            for h in (hours, ask_hours, 240))  # fmt: skip
    in_time = np.mean(asked < wait)
    in_vain = np.mean((asked >= wait) & (asked < wait + 24 + closing)) * (1 - go_on * unasked)
    return go_on * (1 - unasked) * in_time / (in_time + in_vain)


def test_a_planted_effect_is_found():
    table = count_asks(plant(seed=3))
    truth = find_truth()
    assert len(table) == len(PATH) - 1 and table["difference"].notna().all()
    assert ((table["low"] <= truth) & (truth <= table["high"])).all()
    assert table["beyond_chance"].all()
    assert (table["p_holm"] >= table["p"]).all()


@pytest.mark.parametrize("more", [{}, {"noise": 0.05}, {"hours": 12.0, "ask_hours": 48.0}])
def test_where_asking_changes_nothing_nothing_is_claimed(more):
    """Also where most have left, unnoticed or noticed, before they are asked."""
    table = count_asks(plant(seed=4, unasked=1.0, **more))
    assert table["difference"].notna().all() and not table["beyond_chance"].any()
    assert (table["p_holm"].min() >= FAMILY["asks"]) and (table["difference"].abs() < 0.1).all()


@pytest.mark.parametrize("minutes", [0, 1, 10])
@pytest.mark.parametrize("share", [0.15, 0.7])
def test_asks_recorded_with_the_step_are_no_proof_that_asking_helps(share, minutes):
    """Asking changes nothing, but calls that were answered are logged with the talk."""
    table = count_asks(plant(seed=4, unasked=1.0, record=record_with_step(share, minutes)))
    assert table["with_step"].all() and table["difference"].isna().all()
    assert not table["beyond_chance"].any()


def test_a_few_asks_recorded_with_the_step_claim_nothing():
    table = count_asks(plant(seed=4, unasked=1.0, record=record_with_step(0.03, 0)))
    assert not table["with_step"].any() and not table["beyond_chance"].any()


@pytest.mark.parametrize("n", [60, 600])
def test_who_answers_quickly_is_not_taken_for_one_recorded_with_the_step(n):
    """Waits without memory of half an hour on average; long tails; but not nearly all at once."""
    rng = np.random.default_rng(1)

    def is_together(hours):
        wait = (HOUR * np.array(hours)).astype(int)
        return counting._are_together(wait, np.full(n, TAKEN), np.zeros(n, int))

    for hours in (0.5, 1, 4, 48):
        assert np.mean([is_together(rng.exponential(hours, n)) for _ in range(100)]) < 0.2
    for hours, sigma in ((1, 0.8), (8, 1.5), (24, 2)):
        assert (
            np.mean([is_together(rng.lognormal(np.log(hours), sigma, n)) for _ in range(100)]) < 0.1
        )
    assert is_together(np.full(n, 1 / 6)) and is_together(np.where(np.arange(n) % 5, 48, 0))


def test_an_effect_on_clients_who_answer_within_hours_is_told():
    quick = {"hours": 3.0, "ask_hours": 1.0}
    table = count_asks(plant(seed=3, **quick))
    assert not table["with_step"].any() and table["beyond_chance"].all()


def test_who_leaves_before_anyone_asks_is_no_proof_that_asking_helps():
    """Asking changes nothing, but those who leave do so early, so that mostly the others are asked:
    of all asked far more go on than of the rest."""
    rng = np.random.default_rng(1)
    goes = rng.random(1500) < 0.6
    end, ask = (
        (HOUR * median * np.exp(SPREAD * rng.standard_normal(1500))).astype(int)
        for median in (np.where(goes, 48, 8), 24)
    )
    asked = (ask <= end) & (rng.random(1500) < 0.6)
    assert goes[asked].mean() - goes[~asked].mean() > 0.3
    cause = np.where(goes, TAKEN, OTHERWISE)
    gain = estimate_gain(end, cause, np.where(asked, ask, NEVER), np.arange(1500))
    low, high = gain.find_interval()
    assert low < 0 < high < 0.1 and gain.find_p() > FAMILY["asks"]


def test_mere_dates_make_no_gain_up_and_hide_none():
    """Who goes on unasked before the hour of the ask counts as if later: that takes away."""
    dates = {"date_only": True, "hours": 48.0, "ask_hours": 24.0}
    assert not count_asks(plant(seed=5, unasked=1.0, **dates))["beyond_chance"].any()
    table, truth = count_asks(plant(seed=5, **dates)), find_truth(hours=48.0, ask_hours=24.0)
    assert (table["low"] > 0).all() and (table["difference"] < truth + 0.1).all()


# What always holds


def test_neither_the_order_of_rows_nor_ids_matter():
    planted = plant_log("kettles", 800, seed=2)
    steps, until = parse_steps(planted.steps_yaml), planted.truth["observed_until"]
    straight = count_asks(build_journeys(build_log(planted.events, planted.leads, until), steps))
    events, leads = (
        frame.assign(lead_id=frame["lead_id"].str[::-1]).sample(frac=1, random_state=1)
        for frame in (planted.events, planted.leads)
    )
    mixed = count_asks(build_journeys(build_log(events, leads, until), steps))
    assert straight["difference"].notna().sum() > 1
    pd.testing.assert_frame_equal(straight, mixed, rtol=1e-9)


def test_leads_of_one_account_are_left_out_together():
    """Everyone twice, as one account, is no surer than everyone once; as two it would be."""
    watch = draw_watch(9)
    once = estimate_gain(*watch, np.arange(60))
    twice = [np.concatenate([what, what]) for what in watch]
    together = estimate_gain(*twice, np.tile(np.arange(60), 2))
    assert together.difference == pytest.approx(once.difference)
    assert together.error == pytest.approx(once.error)
    assert estimate_gain(*twice, np.arange(120)).error < 0.85 * once.error


def test_a_coarser_grid_leaves_the_difference_and_hardly_moves_the_error(monkeypatch):
    watch = draw_watch(1, n=3000, longest=10**9)
    fine = estimate_gain(*watch, np.arange(3000))
    monkeypatch.setattr(landmark, "MOST_TIMES", 500)
    coarse = estimate_gain(*watch, np.arange(3000))
    assert coarse.difference == fine.difference
    assert coarse.error == pytest.approx(fine.error, rel=0.05)


def test_leads_left_out_are_not_compared(tell_all):
    journeys = journeys_of(HAND)
    few = ~journeys.leads["lead_id"].isin(["a", "b"]).to_numpy()
    row = place(compare_asked(journeys, find_places(journeys), few), "read")
    assert row[["n_asked", "n_not_asked"]].tolist() == [3, 4]
    assert few.sum() == 8  # what was handed over is left as it was


def test_of_few_leads_nothing_is_told_and_the_row_stays():
    table = count_asks(journeys_of(HAND))
    assert table["step"].tolist() == ["read", "meet", "sign", "pay"][: len(table)]
    unknown = ["difference", "low", "high", "share_asked", "share_not_asked", "p", "p_holm"]
    assert table[unknown].isna().all(axis=None) and not table["beyond_chance"].any()
    assert tell_asks(table, EN).startswith(
        "Whether proposing helps cannot be said: too few undecided"
    )


def test_one_account_has_no_error():
    assert np.isnan(estimate_gain(*draw_watch(2), np.zeros(60, int)).error)
    nobody = estimate_gain(*(np.zeros(0, int),) * 4)
    assert nobody.n_asked == nobody.n_not_asked == 0 and np.isnan(nobody.difference)


def test_nothing_varies_where_nobody_goes_on():
    """The difference is 0 and sure to be: no claim."""
    gain = estimate_gain(
        np.full(80, 5), np.full(80, OTHERWISE), np.repeat([1, NEVER], 40), np.arange(80)
    )
    assert gain.difference == gain.error == 0 and gain.find_p() == 1


@pytest.mark.parametrize("asked_by", [[], ["never_done"]])
def test_where_nobody_is_asked_there_is_no_row_and_no_sentence(asked_by):
    steps = Steps(steps=[{"id": "ask"}, {"id": "read", "asked_by": asked_by}, {"id": "pay"}],
                  won="pay", lost=["gone"])  # fmt: skip
    table = count_asks(journeys_of(HAND, steps=steps))
    assert table.empty and table.columns.tolist() == list_columns("asks")
    assert tell_asks(table, EN) == "" == tell_asks(table, RU)
    assert tell_asks_by_step(table, EN) == [
        "Whether proposing helps cannot be said: the data hold no proposals."
    ]
    assert plot_asks(table, EN) is None


# How it reads


def asks_of(*rows):
    """A table of (segment, step, share asked, share not asked, leads not asked, beyond chance)."""
    names = ["segment", "step", "share_asked", "share_not_asked", "n_not_asked", "beyond_chance"]
    table = pd.DataFrame(rows, columns=names)
    difference = table["share_asked"] - table["share_not_asked"]
    return table.assign(
        n_asked=355,
        n_not_asked_went_on=150,
        difference=difference,
        low=difference - 0.06,
        high=difference + 0.06,
        with_step=False,
    )


READ = ("all", "read", 0.85, 0.45, 335, True)


def test_page_one_names_where_proposing_would_bring_most():
    table = asks_of(("s1", "meet", 0.9, 0.4, 200, True), READ, ("all", "pay", 0.9, 0.4, 900, False))
    assert tell_asks(table, EN) == (
        "Leads to whom the next step is proposed go on more often. At “Read it”, 85% of the "
        "undecided did so after a proposal and 45% without one (40 points more, 95% interval 34 "
        "to 46). It was never proposed to 335 leads in the same position; 150 of them went on "
        "by themselves."
    )
    assert tell_asks(table, RU) == (
        "Кому следующий шаг предлагают, те чаще идут дальше. Перед шагом «Прочитал» это 85\xa0% "
        "ещё не решивших, а без предложения — 45\xa0% (разница 40 п. п., диапазон 95\xa0%: от 34 "
        "до 46). Так и не предложили его 335 в том же положении; сами пошли дальше 150 из них."
    )


def test_the_section_tells_of_each_step_once():
    unsure, few = ("s1", "meet | sign", 0.5, 0.48, 50, False), ("all", "pay", np.nan, 1, 3, False)
    table = asks_of(READ, unsure, few)
    said = tell_asks_by_step(table, EN)
    assert [s.split(":")[0] for s in said] == [
        "Leads to whom the next step is proposed go on more often. At “Read it”, 85% of the "
        "undecided did so after a proposal and 45% without one (40 points more, 95% interval 34 "
        "to 46). It was never proposed to 335 leads in the same position; 150 of them went on "
        "by themselves.", "“meet” or “sign” (s1)",
        "1 more step cannot be compared.",
    ]  # fmt: skip
    assert said[1].endswith("50% against 48%, which may be chance.")
    chance = asks_of(("all", "meet", 0.5, 0.48, 50, False))
    assert tell_asks(chance, EN) == (
        "Whether proposing helps cannot be said: at no step is the difference beyond chance (steps "
        "compared: 1)."
    )
    many = asks_of(*(("all", f"x{n}", 0.8, 0.4, n, True) for n in range(9)))
    assert len(tell_asks_by_step(many, EN)) == 5


def test_where_proposals_are_recorded_with_the_step_it_is_said():
    table = asks_of(READ, ("all", "pay", np.nan, np.nan, 9, False)).assign(with_step=[False, True])
    assert tell_asks_by_step(table, EN)[1:] == [
        "Recorded together with the step: the proposal of “pay”. Whether it helps cannot be seen."
    ]
    assert tell_asks_by_step(table[1:], RU) == [
        "Предложение записано вместе с самим шагом: «pay». Помогает ли оно, не видно."
    ]


def test_where_fewer_go_on_after_a_proposal_it_is_said():
    table = asks_of(("all", "read", 0.5, 0.75, 300, False), ("all", "pay", 0.6, 0.58, 90, False))
    first, *rest = tell_asks_by_step(table, EN)
    assert first == (
        "Proposing does not help here: at 1 of the 2 steps compared fewer go on after a proposal "
        "than without one."
    )
    assert rest[-1] == "“Read it”: 50% against 75%. Fewer go on where it is proposed."
    assert tell_proposing(table, EN) == "" and "fewer go on" in tell_unproven(table, EN)
    assert tell_unproven(table[1:], RU) == "Помогает ли предложение, сказать нельзя."
    some = asks_of(READ, ("all", "pay", 0.9, 0.5, 90, True), ("s1", "x", np.nan, 0.5, 3, False))
    assert tell_proposing(some, EN).startswith("At the 2 of 3 steps where this can be compared, 85")


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
def test_the_figure_has_the_numbers_of_the_table(words):
    ax = plot_asks(asks_of(READ, ("s1", "meet | sign", 0.5, 0.48, 50, False)), words)
    texts = [t.get_text() for t in ax.texts]
    assert f"{words.percent(0.45)} → {words.percent(0.85)}" in texts
    marks = [line.get_xdata().tolist() for line in ax.lines]
    assert [0.85] in marks and [0.45] in marks
    assert any(np.allclose(ends, [0.79, 0.91]) for ends in marks if len(ends) == 2)


def test_one_place_where_it_may_be_chance_is_a_sentence():
    assert plot_asks(asks_of(("all", "meet", 0.5, 0.48, 50, False)), EN) is None
    assert plot_asks(asks_of(("all", "meet", 0.8, 0.4, 50, True)), EN) is not None


def test_the_audit_asks_it(planted_folder):
    files = {"events": "csv", "leads": "csv", "steps": "yml"}
    settings = {name: str(planted_folder / f"{name}.{end}") for name, end in files.items()}
    audit = fl.build_audit(fl.collect_settings(settings | {"segments": "none"}))
    assert audit.asks.table["segment"].eq("all").all() and len(audit.asks.table)
    assert audit.asks.draw().alt == shorten(" ".join(audit.asks.tell()))


def test_the_gains_planted_in_the_sample_lie_in_their_intervals(root):
    """Of each place of one path the exact gain; of those that all share, the mix of the two."""
    folder = root / "data" / "sample"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    gains = {
        tuple(segment["path"]): {row["step"]: row["asked_gain"] for row in segment["reach"]}
        for segment in truth["segments"].values()
    }
    events, leads = (pd.read_csv(folder / f"{name}.csv") for name in ("events", "leads"))
    log = build_log(events, leads, truth["observed_until"])
    journeys = build_journeys(log, parse_steps((folder / "steps.yml").read_text(encoding="utf-8")))
    found = find_segments(journeys)
    table = count_asks(journeys, found)
    assert table["beyond_chance"].sum() > 5 and len(table) == 8
    for row in table.to_dict("records"):
        paths = [
            p for s, p in zip(found.ids, found.paths, strict=True) if row["segment"] in (s, "all")
        ]
        own = [gains[p][step] for p in paths for step in row["step"].split(" | ") if step in p]
        assert row["low"] <= max(own) and min(own) <= row["high"], row["step"]
        assert max(own) - min(own) < 0.04  # so that it matters little who is meant
