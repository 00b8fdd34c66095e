"""Answers and attempts: by hand, against an obvious loop, with known delays, and what must hold."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.core.times import has_clock_times
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.answers.count import count_responses, find_median_time
from funnel_lib.stats.incidence import OPEN, OTHERWISE, TAKEN, estimate_incidence
from funnel_lib.stats.intervals import wilson

START = pd.Timestamp("2025-01-01", tz="UTC")
UNTIL = START + pd.Timedelta(hours=200)
STEPS = Steps(
    steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}],
    won="pay", lost=["gone"], self_reported=["told"], ignore=["robot"],
)  # fmt: skip
SUMS = [
    "n_leads", "n_client_first", "n_answered", "n_waiting", "n_unanswered", "n_had_hour",
    "n_had_day", "n_tried", "n_got_through", "n_trying", "n_given_up",
]  # fmt: skip
SHARES = ["share_within_hour", "share_within_day", "share_given_up_after_one"]
NEAR = 1e-12  # the same sums in another order


def count(events, leads=None, until=UNTIL, steps=STEPS):
    """Events as (lead, hour, action, actor[, duration]), hours from the start."""
    columns = ["lead_id", "at", "action", "actor", "duration"]
    events = pd.DataFrame([(*e, None)[:5] for e in events], columns=columns)
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="h")
    leads = None if leads is None else pd.DataFrame(leads)
    if leads is not None and "closed_at" in leads:
        hours = pd.to_timedelta(leads["closed_at"].astype(float), unit="h")
        leads["closed_at"] = START + hours
    log = build_log(events, leads, until)
    return count_responses(log, build_journeys(log, steps)).set_index("manager")


def everybody(events, leads=None, **options):
    return count(events, leads, **options).loc["all"]


# hours are odd so that no two events share a time of day by accident
ASKED = ("ask", "client")


def test_by_hand():
    events = [
        ("a", 1.1, *ASKED), ("a", 1.6, "outgoing_call", "manager"),  # answered after half an hour
        ("a", 3.2, "outgoing_mail", "manager"), ("a", 5.3, "mail_opened", "client"),  # at the 2nd
        ("b", 2.1, *ASKED), ("b", 22.1, "send", "manager"),  # after 20 hours, never heard again
        ("b", 30.2, "stage: Sent", "manager"), ("b", 50.0, "gone", "manager"),
        ("c", 3.1, *ASKED), ("c", 60.0, "gone", "manager"),  # closed without an answer
        ("d", 199.5, *ASKED),  # waits, not an hour old
        ("e", 9.1, "outgoing_call", "manager"), ("e", 9.9, *ASKED),  # the manager came first
        ("f", 7.7, "note_added", "manager"),
    ]  # fmt: skip
    leads = {"lead_id": [*"abcdef"], "manager": ["Ann", "Ann", "Bob", None, "Bob", "Bob"]}
    table = count(events, leads)
    assert table.index.tolist() == ["all", "Bob", "Ann", ""]
    row = table.loc["all"]
    assert row[SUMS].tolist() == [6, 4, 2, 1, 1, 3, 3, 3, 2, 0, 1]
    assert row["share_within_hour"] == pytest.approx(1 / 3)  # a, of a, b, c
    assert row["share_within_day"] == pytest.approx(2 / 3)
    assert row[["share_within_day_low", "share_within_day_high"]].tolist() == pytest.approx(
        [float(x) for x in wilson(2 / 3, 3)]
    )
    # d is watched for half an hour, as long as a waited: a first, so 1/4; b is one of two left:
    # 1/4 + 3/4 * 1/2 = 5/8
    assert row["median_hours_to_answer"] == pytest.approx(20)
    assert row["median_attempts_to_reach"] == 1 and row["median_attempts_given_up"] == 1
    assert row["share_given_up_after_one"] == 1
    assert table.loc["Ann", SUMS].tolist() == [2, 2, 2, 0, 0, 2, 2, 2, 1, 0, 1]
    assert table.loc["", ["n_leads", "n_waiting", "n_tried"]].tolist() == [1, 1, 0]
    assert np.isnan(table.loc["Bob", "median_hours_to_answer"])  # c alone, never answered
    assert np.isnan(table.loc["", "share_within_hour"])  # nobody had an hour


# what a manager did one hour after the client's request: is it an answer?
ANSWERS = {
    "outgoing_sms": True, "outgoing_call": True, "meeting_held": True, "send": True, "call": True,
    "call_out": True, "phone_call": True, "incoming_call": False, "stage: Called": False,
    "note_added": False, "task_completed": False, "told": False, "robot": False, "gone": False,
}  # fmt: skip


@pytest.mark.parametrize("action", ANSWERS)
def test_what_answers(action):
    other = [("z", 4.7, *ASKED), ("z", 5.1, "outgoing_call", "manager")]
    row = everybody([("a", 1.1, *ASKED), ("a", 2.1, action, "manager"), *other])
    assert row["n_answered"] == 1 + ANSWERS[action]


@pytest.mark.parametrize("actor", ["client", "system", None])
def test_only_managers_answer(actor):
    other = [("z", 4.7, *ASKED), ("z", 5.1, "outgoing_call", "manager")]
    row = everybody([("a", 1.1, *ASKED), ("a", 2.1, "outgoing_mail", actor), *other])
    assert row["n_answered"] == 1


@pytest.mark.parametrize(
    ("duration", "n_answered"), [("30", 1), (45.5, 1), ("29", 0), ("", 0), (None, 0), ("soon", 0)]
)
def test_an_incoming_call_that_was_talked_through_is_answered_at_once(duration, n_answered):
    events = [("a", 1.1, "incoming_call", "client", duration), ("b", 1.7, "send", "manager")]
    row = everybody(events)
    assert row["n_client_first"] == 1 and row["n_answered"] == n_answered
    assert row["n_tried"] == 1  # b alone: the client of a came, or was talked to
    if n_answered:
        assert row["median_hours_to_answer"] == 0 and row["share_within_hour"] == 1


def test_a_client_is_reached_by_a_long_call_or_an_act_of_his():
    tries = [("x", h + 0.1, "outgoing_call", "manager", "5") for h in (2, 3, 4)]

    def attempts(*more):
        row = everybody([*tries, *more, ("y", 1.3, *ASKED)])
        return row[["n_got_through", "n_trying", "median_attempts_to_reach"]].tolist()[::2], row

    assert np.isnan(attempts()[0][1]) and attempts()[1]["n_trying"] == 1
    assert attempts(("x", 3.4, "outgoing_call", "manager", "31"))[0] == [1, 3]  # that call is one
    assert attempts(("x", 3.4, "mail_opened", "client"))[0] == [1, 2]
    assert attempts(("x", 3.4, "meeting_held", "manager"))[0] == [1, 3]
    came = ("x", 1.2, *ASKED)
    assert attempts(came, ("x", 2.1, "mail_opened", "client"))[0] == [1, 1]  # at the same moment
    assert attempts(("x", 3.4, "read", None))[0] == [1, 2]  # evidence, whoever acted
    assert attempts(("x", 3.4, "told", "manager"))[1]["n_trying"] == 1
    assert attempts(("x", 1.2, "mail_opened", "client"))[1]["n_trying"] == 1  # before the first try
    row = attempts(("x", 1.2, "incoming_call", "client", "90"))[1]
    assert row["n_tried"] == 0  # talked to before anyone tried


def test_a_buyer_was_reached_and_a_lost_lead_given_up():
    tries = [("x", h + 0.1, "outgoing_call", "manager") for h in (2, 3)]
    for status, reached in (("won", 1), ("lost", 0)):
        leads = {"lead_id": ["x"], "status": [status], "closed_at": [50.3]}
        row = everybody(tries, leads)
        assert row[["n_tried", "n_got_through", "n_given_up"]].tolist() == [1, reached, 1 - reached]
    assert row["median_attempts_given_up"] == 2 and row["share_given_up_after_one"] == 0


def test_the_act_by_which_a_client_came_does_not_reach_him():
    first = [("x", 2.1, *ASKED), ("x", 2.1, "call", "manager")]  # at the same moment: client first
    row = everybody([*first, ("y", 3.3, *ASKED)])
    assert row[["n_client_first", "n_answered", "n_tried", "n_got_through"]].tolist() == [
        2,
        1,
        1,
        0,
    ]
    assert row["share_within_hour"] == 0.5
    row = everybody([*first, ("x", 2.1, "mail_opened", "client"), ("y", 3.3, *ASKED)])
    assert row["n_got_through"] == 1


def test_what_comes_after_closing_is_left_out():
    events = [("x", 2.1, *ASKED), ("x", 30.2, "call", "manager"), ("y", 3.7, "call", "manager")]
    for closed_at, n_answered in ((30.2, 1), (29.9, 0), (1.2, 0)):
        leads = {"lead_id": ["x", "y"], "status": ["lost", "open"], "closed_at": [closed_at, None]}
        row = everybody(events, leads)
        assert row["n_answered"] == n_answered
        assert row["n_client_first"] == (closed_at > 2)
    leads = {
        "lead_id": ["x"],
        "status": ["lost"],
        "closed_at": [24.0],
    }  # a date: the 2nd of January
    assert everybody(events, leads)["n_answered"] == 1
    leads = {"lead_id": ["x"], "status": ["lost"], "closed_at": [None]}  # nobody told when
    assert everybody(events, leads)["n_answered"] == 1


def test_who_acted_must_be_known():
    events = [("x", 2.1, "ask"), ("x", 3.3, "outgoing_call"), ("y", 1.7, "ask")]
    for actors in ((None,) * 3, ("client", None, "client"), (None, "manager", None)):
        row = everybody([(*e, a) for e, a in zip(events, actors, strict=True)])
        counts = ["n_client_first", "n_answered", "n_waiting", "n_unanswered", "n_had_hour"]
        assert (row[counts] == 0).all() and row["n_leads"] == 2
        assert row[["median_hours_to_answer", *SHARES]].isna().all()
        assert row["n_tried"] == (actors[1] == "manager")


def test_dates_without_hours_tell_no_hours():
    events = [("x", 24, *ASKED), ("x", 48, "call", "manager"), ("y", 72, *ASKED)]
    for shift in (0, -3):  # midnight in UTC, or in Moscow
        row = everybody([(e[0], e[1] + shift, *e[2:]) for e in events])
        assert row[["n_client_first", "n_answered", "n_had_hour", "n_had_day"]].tolist() == [
            2, 1, 0, 0,
        ]  # fmt: skip
        assert row[["median_hours_to_answer", "share_within_day"]].isna().all()
    row = everybody([(e[0], e[1] + 1.1 * (e[0] == "y"), *e[2:]) for e in events])
    assert row["n_had_hour"] == 2


def test_moments_with_and_without_an_hour():
    hour, days = 3_600_000_000, np.arange(20) * 24
    assert not has_clock_times(np.array([], int)) and not has_clock_times(days * hour)
    assert not has_clock_times((days + 21 + (days > 200)) * hour)  # summer time
    assert not has_clock_times((days + 23 + (days > 200)) * hour)
    assert has_clock_times((days + 21 + 2 * (days > 200)) * hour)
    assert has_clock_times(np.array([9, 10]) * hour) and has_clock_times(
        np.array([9 * hour + 60_000_000])
    )


def test_leads_without_events_are_leads():
    leads = {"lead_id": ["a", "b", "c"], "manager": ["Ann", "Bob", "Bob"], "status": "lost"}
    table = count([("a", 1.1, *ASKED), ("a", 1.9, "call", "manager")], leads)
    assert table["n_leads"].to_dict() == {"all": 3, "Bob": 2, "Ann": 1}
    assert (table.loc["Bob", SUMS[1:]] == 0).all() and table.loc["Bob", SHARES].isna().all()


def test_the_median_is_of_the_curve_the_library_draws():
    rng = np.random.default_rng(5)
    for n in (1, 3, 40, 300):
        time = rng.integers(0, 30, n)
        cause = rng.choice([OPEN, TAKEN, OTHERWISE], n, p=[0.2, 0.65, 0.15])
        curve = estimate_incidence(time, cause)
        at = np.flatnonzero(curve.incidence >= 0.5 - NEAR)
        found = find_median_time(time.astype(float), cause)
        assert found == at[0] if len(at) else np.isnan(found)
    assert np.isnan(find_median_time(np.array([]), np.array([])))
    time, cause = np.array([1.0, 2.0, 3.0, 9.0]), np.array([TAKEN, OPEN, TAKEN, TAKEN])
    assert find_median_time(time, cause) == 3.0  # 1/4, then 5/8


# An obvious loop over leads and events, from the words of the docstring.
def loop(log, journeys):
    leads = journeys.leads.reset_index(drop=True)
    until, hour = journeys.observed_until, pd.Timedelta(hours=1)
    rows = log.events.astype({"lead_id": "str", "action": "str"}).to_dict("records")
    records = {"told", "robot"}
    is_record = [r["action"] in records or r["action"].startswith("stage: ") for r in rows]
    contacts = {"outgoing_call", "outgoing_mail", "meeting_held", "call", "send"}
    for r, record in zip(rows, is_record, strict=True):
        seconds = pd.to_numeric(r["duration"], errors="coerce")
        is_long = pd.notna(seconds) and seconds >= 30
        r["client"] = r["actor"] == "client" and not record
        r["contact"] = r["actor"] == "manager" and r["action"] in contacts
        r["talk"] = (
            (r["client"] or (r["actor"] == "manager" and not record))
            and r["action"] in ("outgoing_call", "incoming_call", "call")
            and is_long
        ) or (r["action"] == "meeting_held" and r["contact"])
    told = any(r["client"] for r in rows) and any(r["contact"] for r in rows)
    seen = []
    for _, lead in leads.iterrows():
        mine = [r for r in rows if r["lead_id"] == lead["lead_id"]]
        closed = {"won": lead["sold_at"], "lost": lead["closed_at"], "open": None}[lead["status"]]
        if lead["status"] == "lost" and pd.isna(closed) and mine:
            closed = max(r["at"] for r in mine)
        if closed is not None and pd.notna(closed):
            mine = [r for r in mine if r["at"] <= closed]
        acts = sorted(r["at"] for r in mine if r["client"])
        tries = sorted(r["at"] for r in mine if r["contact"])
        talks = sorted(r["at"] for r in mine if r["talk"])
        answers = sorted(tries + talks)
        came = bool(told and acts and (not answers or acts[0] <= answers[0]))
        one = {"manager": lead["manager"], "came": came, "n_tries": 0, "state": None}
        if came:
            end = answers[0] if answers else until if lead["status"] == "open" else closed
            one["cause"] = TAKEN if answers else OPEN if lead["status"] == "open" else OTHERWISE
            one["waited"], one["watched"] = (end - acts[0]) / hour, (until - acts[0]) / hour
        if tries and (not talks or tries[0] <= talks[0]):
            heard = [a for a in (acts[1:] if came else acts) if a >= tries[0]] + talks
            heard += [
                at for at in evidence_of(journeys, lead["lead_id"])
                if at >= tries[0] and not (came and at <= acts[0])
            ]  # fmt: skip
            if lead["status"] == "won":
                heard.append(max(lead["sold_at"], tries[0]))
            one["n_tries"] = sum(t <= min(heard) for t in tries) if heard else len(tries)
            one["state"] = (
                "reached" if heard else "open" if lead["status"] == "open" else "given up"
            )
        seen.append(one)
    return seen


def evidence_of(journeys, lead_id):
    code = journeys.leads["lead_id"].tolist().index(lead_id)
    mine = slice(journeys.offsets[code], journeys.offsets[code + 1])
    at = journeys.at[mine][~journeys.self_reported[mine]]
    return [pd.Timestamp(int(t), unit="us", tz="UTC") for t in at]


def sum_up(seen):
    came = [s for s in seen if s["came"]]
    out = {
        "n_leads": len(seen), "n_client_first": len(came),
        "n_answered": sum(s["cause"] == TAKEN for s in came),
        "n_waiting": sum(s["cause"] == OPEN for s in came),
        "n_unanswered": sum(s["cause"] == OTHERWISE for s in came),
        "n_tried": sum(s["n_tries"] > 0 for s in seen),
        "n_got_through": sum(s["state"] == "reached" for s in seen),
        "n_trying": sum(s["state"] == "open" for s in seen),
        "n_given_up": sum(s["state"] == "given up" for s in seen),
    }  # fmt: skip
    for name, hours in (("hour", 1), ("day", 24)):
        had = [s for s in came if s["watched"] >= hours]
        hits = [s for s in had if s["cause"] == TAKEN and s["waited"] <= hours]
        out[f"n_had_{name}"] = len(had)
        out[f"share_within_{name}"] = len(hits) / len(had) if had else np.nan
    lost = [s["n_tries"] for s in seen if s["state"] == "given up"]
    out["share_given_up_after_one"] = sum(n == 1 for n in lost) / len(lost) if lost else np.nan
    reached = sorted(s["n_tries"] for s in seen if s["state"] == "reached")
    out["median_attempts_to_reach"] = reached[(len(reached) - 1) // 2] if reached else np.nan
    out["median_attempts_given_up"] = sorted(lost)[(len(lost) - 1) // 2] if lost else np.nan
    out["median_hours_to_answer"] = find_median_by_steps(came)
    return out


def find_median_by_steps(came):
    """The curve of Aalen and Johansen, moment by moment."""
    stay, share = 1.0, 0.0
    for moment in sorted({s["waited"] for s in came}):
        waiting = sum(s["waited"] >= moment for s in came)
        ended = [s["cause"] for s in came if s["waited"] == moment and s["cause"] != OPEN]
        share += stay * ended.count(TAKEN) / waiting
        stay *= 1 - len(ended) / waiting
        if share >= 0.5 - NEAR:
            return moment
    return np.nan


def draw(seed, n=60):
    """A random log: anybody does anything at any half hour."""
    rng = np.random.default_rng(seed)
    ids = [f"L{i:03d}" for i in range(n)]
    actions = [
        "ask", "read", "pay", "outgoing_call", "incoming_call", "outgoing_mail", "send", "call",
        "meeting_held", "mail_opened", "note_added", "stage: Sent", "told", "robot", "gone",
    ]  # fmt: skip
    size = 7 * n
    events = pd.DataFrame({
        "lead_id": rng.choice(ids, size),
        "at": START + pd.to_timedelta(rng.integers(1, 60, size) * 30, unit="min"),
        "action": rng.choice(actions, size),
        "actor": rng.choice(["client", "manager", "system", None], size, p=[0.4, 0.4, 0.1, 0.1]),
        "duration": rng.choice(["0", "12", "30", "200", None], size),
    })  # fmt: skip
    status = rng.choice(["won", "lost", "open", None], n)
    closed = START + pd.to_timedelta(rng.integers(5, 80, n) * 30 + 7, unit="min")
    leads = pd.DataFrame({
        "lead_id": ids, "manager": rng.choice(["Ann", "Bob", None], n), "status": status,
        "closed_at": pd.Series(closed).where(rng.random(n) < 0.8),
    })  # fmt: skip
    return events, leads


@pytest.mark.parametrize("seed", range(12))
def test_as_an_obvious_loop_counts(seed):
    events, leads = draw(seed)
    log = build_log(events, leads, START + pd.Timedelta(hours=45))
    journeys = build_journeys(log, STEPS)
    if seed % 3 == 2:  # a choice of the leads
        journeys = select_leads(journeys, np.arange(len(journeys.leads)) % 3 > 0)
    table = count_responses(log, journeys).set_index("manager")
    seen = loop(log, journeys)
    for name, row in table.iterrows():
        mine = [s for s in seen if name == "all" or (s["manager"] == name) | (
            name == "" and pd.isna(s["manager"]))]  # fmt: skip
        expected = sum_up(mine)
        if name != "all":  # read only as far as enough are waiting: with so few leads, always
            assert row["n_leads"] == expected["n_leads"]
        for column, value in expected.items():
            assert row[column] == pytest.approx(value, nan_ok=True), (name, column)


@pytest.mark.parametrize("seed", [3, 4])
def test_order_of_rows_and_a_later_clock_change_nothing(seed):
    events, leads = draw(seed, 40)
    until = START + pd.Timedelta(hours=45)

    def counted(events, leads, until):
        log = build_log(events, leads, until)
        return count_responses(log, build_journeys(log, STEPS))

    table = counted(events, leads, until)
    mixed = counted(
        events.sample(frac=1, random_state=1), leads.sample(frac=1, random_state=2), until
    )
    pd.testing.assert_frame_equal(table, mixed)
    week = pd.Timedelta(days=7, minutes=11)
    later = counted(events.assign(at=events["at"] + week),
                    leads.assign(closed_at=leads["closed_at"] + week), until + week)  # fmt: skip
    pd.testing.assert_frame_equal(table, later)


@pytest.mark.parametrize("seed", [1, 2])
def test_managers_add_up_and_parts_to_their_base(seed):
    planted = plant_log("kettles", n_leads=400, seed=seed)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    table = count_responses(log, journeys)
    rest = table[table["manager"] != "all"]
    assert rest[SUMS].sum().tolist() == table.loc[0, SUMS].tolist()
    assert table.loc[0, "n_leads"] == len(journeys.leads) and len(rest) > 1
    parts = table[["n_answered", "n_waiting", "n_unanswered"]].sum(axis=1)
    assert (parts == table["n_client_first"]).all() and (table["n_client_first"] > 0).all()
    parts = table[["n_got_through", "n_trying", "n_given_up"]].sum(axis=1)
    assert (parts == table["n_tried"]).all()
    for share in SHARES:
        low, middle, high = (table[f"{share}{end}"] for end in ("_low", "", "_high"))
        assert ((low >= -NEAR) & (low <= middle + NEAR) & (high >= middle - NEAR)).all()
        assert (high <= 1 + NEAR).all()
    assert (table["share_within_hour"] <= table["share_within_day"] + 0.01).all()
    assert (rest["n_leads"].diff().dropna() <= 0).all()


def test_known_delays_come_back_however_many_still_wait():
    """Answers after 30 hours by half, of 4,000 that came over 60 hours; a tenth never get one."""
    rng = np.random.default_rng(11)
    n, half, until = 4000, 30.0, START + pd.Timedelta(hours=60)
    came, delay = rng.uniform(0, 60, n), rng.exponential(half / np.log(2), n)
    ids = [f"L{i:04d}" for i in range(n)]
    events = pd.DataFrame({
        "lead_id": ids * 2, "action": ["ask"] * n + ["outgoing_call"] * n,
        "actor": ["client"] * n + ["manager"] * n, "at": np.concatenate([came, came + delay]),
    })  # fmt: skip
    events["at"] = START + pd.to_timedelta(events["at"], unit="h")
    log = build_log(events[events["at"] <= until], pd.DataFrame({"lead_id": ids}), until)
    row = count_responses(log, build_journeys(log, STEPS)).iloc[0]
    # 95 % of medians of a Kaplan–Meier curve here lie within 2 hours (by drawing 200 times)
    assert row["median_hours_to_answer"] == pytest.approx(half, abs=2)
    for name, hours in (("hour", 1), ("day", 24)):
        truth = 1 - 0.5 ** (hours / half)
        low, high = row[f"share_within_{name}_low"], row[f"share_within_{name}_high"]
        assert low - 0.01 < truth < high + 0.01
    waited = np.median(delay[came + delay <= 60])
    assert waited < 0.6 * half  # of those answered alone: what not to do


def test_known_numbers_of_attempts_come_back():
    """Each call gets through with 0.4; after four in vain the lead is lost."""
    rng = np.random.default_rng(2)
    n, chance, most = 3000, 0.4, 4
    at_try = rng.geometric(chance, n)
    events, leads = [], []
    for i, reached_at in enumerate(at_try):
        lead, hour = f"L{i:04d}", 1.1 + i / 50
        tries = min(reached_at, most)
        durations = ["90" if k == reached_at else "7" for k in range(1, tries + 1)]
        events += [(lead, hour + k, "call", "manager", d) for k, d in enumerate(durations)]
        leads.append((lead, "open" if reached_at <= most else "lost", None))
    leads = pd.DataFrame(leads, columns=["lead_id", "status", "closed_at"])
    row = everybody(events, leads)
    assert row["n_got_through"] == (at_try <= most).sum()
    assert row["n_given_up"] == (at_try > most).sum()
    assert row["median_attempts_to_reach"] == 2  # 0.4 of 0.87 at the first, 0.64 by the second
    assert row["median_attempts_given_up"] == most and row["share_given_up_after_one"] == 0
