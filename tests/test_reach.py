"""The three counting rules by hand, against slow obvious loops, and by what must always hold."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.core.tallies import tally
from funnel_lib.core.times import NEVER, read_window
from funnel_lib.counting.reach import RULES, count_funnel, find_reached
from funnel_lib.sections.rules.count import count_rules
from funnel_lib.stats.intervals import effective_n, wilson

ROUNDING = 1e-9  # sums of a few dozen weights below 1 in another order: far below 1e-12 each
Z = 1.959963984540054  # 97.5 % point of the normal distribution
START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(
    steps=[{"id": "ask"}, {"id": "read"}, {"id": "sign"}, {"id": "pay"}, {"id": "thanks"}],
    won="pay",
    lost=["gone"],
)


def day(number):
    return START + pd.Timedelta(days=number)


def journeys_of(text, until=None, steps=STEPS, **told):
    """Journeys from lines of `lead day action`, and of leads from `lead="status day"`."""
    rows = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    leads = None
    if told:
        rows = [(lead, *(words + " nan").split()[:2]) for lead, words in told.items()]
        leads = pd.DataFrame(rows, columns=["lead_id", "status", "closed_at"])
        leads["closed_at"] = START + pd.to_timedelta(leads["closed_at"].astype(float), unit="D")
    log = build_log(events, leads, None if until is None else day(until))
    return build_journeys(log, steps)


def reached(journeys, rule, part="before_sale", **more):
    table = count_funnel(journeys, rule, **more)
    return table.loc[table["part"] == part, "n_reached"].fillna(0).tolist()


def column(table, name):
    """A column's values before the sale, None where empty."""
    cells = table.loc[table["part"] == "before_sale", name]
    return [None if pd.isna(x) else x for x in cells]


# --- by hand: the three rules ----------------------------------------------------------------

# a takes all in order; b skips `read`; c reads after signing; d only asks, and gives up.
FOUR = """
a 1 ask
a 2 read
a 3 sign
a 4 pay
b 1 ask
b 3 sign
c 1 ask
c 2 sign
c 5 read
d 1 ask
d 9 gone
"""


def test_passed_counts_later_evidence_and_says_how_many_are_unseen():
    table = count_funnel(journeys_of(FOUR), "passed")
    assert column(table, "n_entered") == [4, 4, 4, 4]
    assert column(table, "n_reached") == [4, 3, 3, 1]  # read: a, c seen, b passed it
    assert column(table, "n_unseen") == [0, 1, 0, 0]
    assert column(table, "share_of_entered") == [1, 3 / 4, 3 / 4, 1 / 4]
    assert column(table, "share_of_previous") == [1, 3 / 4, 1, 1 / 3]
    # b and c are open and stand at `sign`, d is lost and not open.
    assert column(table, "n_open") == [0, 0, 0, 2]


def test_ordered_needs_every_step_after_the_previous_one():
    table = count_funnel(journeys_of(FOUR), "ordered")
    # a all; b stops at read (none); c reads on day 5, its signature on day 2 is too early.
    assert column(table, "n_reached") == [4, 2, 1, 1]
    assert column(table, "n_unseen") == [0, 0, 0, 0]
    assert column(table, "n_open") == [0, 1, 2, 2]  # b stands at ask, c at read


def test_any_counts_evidence_at_any_time():
    table = count_funnel(journeys_of(FOUR), "any")
    assert column(table, "n_reached") == [4, 2, 3, 1]
    # 3 of 2 would exceed 1: empty.
    assert column(table, "share_of_previous") == [1, 1 / 2, None, 1 / 3]
    assert column(table, "n_open") == [0, 0, 0, 2]  # furthest of b and c: sign


def test_first_position_may_be_below_entered_but_under_passed():
    journeys = journeys_of("a 1 read\nb 1 ask\nb 2 read")
    assert reached(journeys, "passed") == [2, 2, 0, 0]
    assert reached(journeys, "ordered") == [1, 1, 0, 0]
    assert reached(journeys, "any") == [1, 2, 0, 0]


def test_rules_stand_side_by_side():
    table = count_rules(journeys_of(FOUR), group=Group("s"))
    assert table.columns.tolist() == ["segment", "position", "step", "rule", "n_reached"]
    assert table["rule"].tolist() == [*RULES] * 5
    assert table.loc[table["step"] == "read", "n_reached"].tolist() == [3, 2, 2]
    assert table["position"].tolist() == [p for p in range(1, 6) for _ in RULES]


# --- by hand: ties and repeated steps --------------------------------------------------------


def test_ordered_compares_clocks_only_so_ties_are_in_order_both_ways():
    # Everything at one moment, written in the wrong order.
    journeys = journeys_of("a 1 sign\na 1 read\na 1 ask")
    assert reached(journeys, "ordered") == [1, 1, 1, 0]
    # A path against the file's order is served by the same moment, too.
    assert reached(journeys, "ordered", group=Group(path=("sign", "read", "ask"))) == [1, 1, 1]


def test_ordered_takes_the_earliest_evidence_that_is_late_enough():
    # sign on day 1 is too early, that of day 4 is not; a read on day 3 may not use day 1's.
    journeys = journeys_of("a 2 ask\na 1 sign\na 3 read\na 4 sign")
    assert reached(journeys, "ordered") == [1, 1, 1, 0]


def test_repeated_evidence_counts_once():
    journeys = journeys_of("a 1 ask\na 2 ask\na 3 ask\na 3 read\na 4 read")
    for rule in RULES:
        assert reached(journeys, rule) == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("rows", "passed", "ordered", "any_"),
    [
        ("a 1 ask\na 2 read", [1, 1, 0], [1, 1, 0], [1, 1, 0]),
        ("a 1 ask\na 2 read\na 3 ask", [1, 1, 1], [1, 1, 1], [1, 1, 1]),
        ("a 1 ask\na 2 ask\na 3 read", [1, 1, 1], [1, 1, 0], [1, 1, 1]),  # no ask after the read
        ("a 1 ask\na 1 ask 2\na 1 read", [1, 1, 1], [1, 1, 1], [1, 1, 1]),  # two at one moment
        ("a 1 ask\na 2 ask", [1, 1, 1], [1, 0, 0], [1, 0, 1]),
    ],
)
def test_a_step_that_comes_twice_needs_two_events(rows, passed, ordered, any_):
    steps = Steps(
        steps=[{"id": "ask", "evidence": ["ask", "ask 2"]}, {"id": "read"}, {"id": "pay"}],
        won="pay",
    )
    journeys = journeys_of(rows + "\nz 1 read", steps=steps)  # z: so that `read` is measurable
    for rule, expected in (("passed", passed), ("ordered", ordered), ("any", any_)):
        only_a = Group(path=("ask", "read", "ask"), memberships=np.array([[1], [0]]))
        assert reached(journeys, rule, group=only_a) == expected


def test_unknown_step_of_a_path_is_refused():
    with pytest.raises(InputError, match="no step 'raed'; did you mean read"):
        count_funnel(journeys_of(FOUR), group=Group(path=("ask", "raed")))


# --- by hand: the sale -----------------------------------------------------------------------


def test_won_without_evidence_reaches_the_sale_at_its_closing():
    journeys = journeys_of("a 1 ask\na 2 read\na 3 sign\nb 1 ask\nb 2 pay", a="won 5", b="won 5")
    table = count_funnel(journeys, "passed")
    assert column(table, "n_reached") == [2, 2, 2, 2]
    assert column(table, "n_unseen") == [0, 1, 1, 1]
    assert reached(journeys, "ordered") == [2, 1, 1, 1]
    assert reached(journeys, "any") == [2, 1, 1, 2]


def test_closing_before_the_previous_step_is_not_in_order():
    journeys = journeys_of("a 1 ask\na 2 read\na 6 sign", a="won 5")
    assert reached(journeys, "ordered") == [1, 1, 1, 0]
    # At the same moment it is.
    assert reached(journeys_of("a 1 ask\na 2 read\na 5 sign", a="won 5"), "ordered") == [1, 1, 1, 1]


def test_sale_nobody_recorded_is_measured_by_the_status():
    table = count_funnel(journeys_of("a 1 ask\nb 1 ask", a="won 5", b="lost 5"))
    assert column(table, "share_of_entered") == [1, None, None, 1 / 2]
    assert column(table, "share_of_previous") == [1, None, None, 1 / 2]  # of `ask`


def test_sale_is_zero_and_not_unknown_where_others_of_the_log_were_won():
    journeys = journeys_of("a 1 ask\nb 1 ask", a="won 5", b="lost 5")
    table = count_funnel(select_leads(journeys, np.array([False, True])))
    assert column(table, "share_of_entered") == [1, None, None, 0]


def test_sale_nobody_recorded_and_nobody_won_is_not_measurable():
    table = count_funnel(journeys_of("a 1 ask\nb 1 ask", a="lost 5"))
    assert column(table, "share_of_entered")[-1] is None


def test_evidence_of_the_sale_counts_on_open_leads_and_not_on_lost_ones():
    journeys = journeys_of("a 1 ask\na 2 pay\nb 1 ask\nb 2 pay", a="open", b="lost 3")
    # `read` and `sign` are not measurable: `ordered` passes them over.
    assert reached(journeys, "passed") == [2, 1, 1, 1]
    assert reached(journeys, "ordered") == [2, 1, 1, 1]
    assert reached(journeys, "any") == [2, 0, 0, 1]
    assert count_funnel(journeys)["n_open"].fillna(0).tolist() == [0] * 5  # a stands at the end


# --- by hand: never entered, not measurable, empty -------------------------------------------


def test_leads_that_never_entered_are_in_no_share():
    # b shows only an unknown action; c is won without any evidence and was launched.
    journeys = journeys_of("a 1 ask\nb 1 what\nc 2 thanks", a="open", b="lost 3", c="won 1")
    for rule in RULES:
        table = count_funnel(journeys, rule)
        assert table["n_entered"].tolist() == [1, 1, 1, 1, 0]
        assert table["n_reached"].fillna(0).tolist() == [1, 0, 0, 0, 0]


def test_step_without_any_evidence_in_the_log_has_no_shares():
    # Nobody is ever seen to read.
    text = "a 1 ask\na 3 sign\nb 1 ask\nc 1 ask\nc 2 sign\nc 3 pay"
    for rule in RULES:
        table = count_funnel(journeys_of(text), rule).set_index("step")
        for name in ("share_of_entered", "share_of_previous", "low", "high"):
            assert table[name].isna().tolist()[:4] == [False, True, False, False]
        # `ordered` passes it over: sign is reached by a and c, of the 3 that asked.
        assert table.loc["sign", "n_reached"] == 2
        assert table.loc["sign", "share_of_previous"] == 2 / 3
    # Whoever went on past it passed it, under `ordered` as under `passed`; `any` sees nobody.
    assert [reached(journeys_of(text), rule)[1] for rule in RULES] == [2, 2, 0]


def test_not_measurable_is_a_matter_of_the_log_and_not_of_the_leads_chosen():
    journeys = journeys_of(FOUR)
    chosen = select_leads(journeys, np.array([False, True, False, True]))  # b and d never read
    table = count_funnel(chosen, "any")
    assert column(table, "n_reached") == [2, 0, 1, 0]
    assert column(table, "share_of_entered") == [1, 0, 1 / 2, 0]


def test_empty_segment_gives_rows_of_zeros():
    journeys = journeys_of(FOUR)
    for rule in RULES:
        table = count_funnel(journeys, rule, group=Group("s2", memberships=np.zeros((4, 1))))
        assert table["step"].tolist() == list(STEPS.ids) and set(table["segment"]) == {"s2"}
        assert (table[["n_entered", "n_reached"]].fillna(0) == 0).all(axis=None)
        assert (table[["n_unseen", "n_open"]].fillna(0) == 0).all(axis=None)
        assert table[["share_of_entered", "share_of_previous", "low", "high"]].isna().all(axis=None)
    none = select_leads(journeys, np.zeros(4, bool))
    assert (count_funnel(none)["n_reached"].fillna(0) == 0).all() and len(count_rules(none)) == 15


def test_segment_in_which_nobody_took_a_step_has_its_row():
    weights = np.array([0.0, 0, 0, 1])  # d alone
    table = count_funnel(journeys_of(FOUR), group=Group(memberships=weights[:, None]))
    assert column(table, "n_reached") == [1, 0, 0, 0]
    assert column(table, "share_of_entered") == [1, 0, 0, 0]
    assert column(table, "share_of_previous") == [1, 0, None, None]  # of nobody: no share


# --- by hand: windows ------------------------------------------------------------------------


def test_window_counts_evidence_from_entry_to_its_last_moment():
    # Entry on day 1: day 3 is just within two days, day 3.5 is not.
    journeys = journeys_of("a 1 ask\na 3 read\na 3.5 sign\nb 1 ask\nb 2 sign", until=30)
    assert reached(journeys, "passed", within="2D") == [2, 2, 1, 0]
    assert reached(journeys, "any", within="60h") == [2, 1, 2, 0]


def test_window_takes_only_leads_observed_as_long_whatever_their_status():
    # Observed until day 10, window 5 days: entered by day 5. c entered later, though it is won.
    text = "a 5 ask\nb 5.1 ask\nb 6 read\nc 6 ask\nc 7 pay\nd 2 ask"
    journeys = journeys_of(text, 10, a="open", b="lost 7", c="won 7", d="lost 3")
    table = count_funnel(journeys, within="5D")
    assert column(table, "n_entered") == [2, 2, 2, 2]
    assert column(table, "n_reached") == [2, 0, 0, 0]
    assert column(table, "n_open") == [0, 1, 1, 1]  # a


def test_sale_outside_the_window_is_not_reached_in_it():
    text = "a 1 ask\nb 1 ask\nc 1 ask\nc 2 pay"
    journeys = journeys_of(text, 30, a="won 4", b="won 4.1", c="won 20")
    # a closes just within three days; b does not; c's payment is within, its closing is not.
    assert reached(journeys, "passed", within="3D")[-1] == 2
    assert reached(journeys, "any", within="3D")[-1] == 2
    assert reached(journeys, "passed")[-1] == 3


def test_no_lead_observed_long_enough_gives_zeros():
    table = count_funnel(journeys_of(FOUR), within="90D").iloc[:-1]  # before the sale
    assert (table["n_entered"] == 0).all() and table["share_of_entered"].isna().all()


@pytest.mark.parametrize("within", ["90", "-3D", "0D", 90, "+90", " ", "soon", "1ns"])
def test_windows_that_are_none_are_refused(within):
    with pytest.raises(InputError, match="window"):
        read_window(within)
    with pytest.raises(InputError):
        read_window(pd.Timedelta(0))


def test_windows_that_are_read():
    hour = 3_600_000_000
    assert read_window("12h") == read_window(pd.Timedelta("12h")) == 12 * hour
    assert read_window("1.5D") == 36 * hour
    assert read_window(None) == read_window("") == NEVER


def test_unknown_rule_is_refused():
    with pytest.raises(InputError, match="unknown rule 'strict'; the rules are passed, ordered"):
        count_funnel(journeys_of(FOUR), "strict")


# --- by hand: after the sale -----------------------------------------------------------------

AFTER = Steps(
    steps=[
        {"id": "ask"},
        {"id": "pay"},
        {"id": "launch"},
        {"id": "again", "evidence": ["again", {"action": "pay", "other_deal": True}]},
    ],
    won="pay",
)


def test_after_the_sale_the_base_is_won_leads_and_time_runs_from_the_sale():
    # a launched a day after its sale; b before it (does not count); c is lost, its launch counts
    # for nothing; d ordered again without a launch: nobody passes a step after the sale.
    text = "a 1 ask\na 5 launch\nb 1 ask\nb 2 launch\nc 1 ask\nc 3 launch\nd 1 ask\nd 8 again"
    journeys = journeys_of(text, 20, steps=AFTER, a="won 4", b="won 4", c="lost 4", d="won 4")
    table = count_funnel(journeys).set_index("step").loc[["launch", "again"]]
    assert table["position"].tolist() == [3, 4]
    assert table["n_entered"].tolist() == [3, 3]
    assert table["n_reached"].tolist() == [1, 1]  # a; d
    assert table["n_unseen"].tolist() == [0, 0] and table["n_open"].tolist() == [0, 0]
    assert table["share_of_entered"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert table["horizon_days"].tolist() == [16, 16]  # sold on day 4, watched until day 20
    assert table["share_of_previous"].isna().all()  # each counts by itself
    for rule in RULES:
        assert reached(journeys, rule, "after_sale") == [1, 1]
    # At the moment of the sale counts.
    tie = journeys_of("a 1 ask\na 4 launch", 20, steps=AFTER, a="won 4")
    assert reached(tie, "passed", "after_sale") == [1, 0]


def test_after_the_sale_windows_run_from_the_sale():
    # Observed until day 20; window 5 days. a launched on day 4 from its sale, b on day 6, c,
    # watched for 3 days alone, on day 0.
    text = "a 1 ask\na 9 launch\nb 1 ask\nb 10.3 launch\nc 1 ask\nc 17 launch"
    journeys = journeys_of(text, 20, steps=AFTER, a="won 4.1", b="won 4.2", c="won 16.3")
    table = count_funnel(journeys, within="5D").set_index("step")
    assert table.loc["launch", ["n_entered", "n_reached", "horizon_days"]].tolist() == [3, 2, 5]
    assert table.loc["ask", "n_entered"] == 3


def test_repeat_orders_of_other_deals_count_for_the_first_deal():
    events = pd.DataFrame({
        "lead_id": ["a", "a", "b", "b", "c", "c"],
        "at": [day(n) for n in (1, 2, 4, 5, 1, 3)],
        "action": ["ask", "pay"] * 3,
    })  # fmt: skip
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "account_id": ["X", "X", "Y"]})
    journeys = build_journeys(build_log(events, leads), AFTER)
    table = count_funnel(journeys).set_index("step")
    assert table.loc["again", ["n_entered", "n_reached"]].tolist() == [2, 1]  # accounts X and Y
    assert table.loc["launch", ["n_reached", "low"]].isna().all()


# --- by hand: soft weights and intervals -----------------------------------------------------


def test_soft_weights_add_up_and_widen_the_interval():
    weights = np.array([0.9, 0.4, 0.7, 0.5])
    table = count_funnel(journeys_of(FOUR), group=Group(memberships=weights[:, None])).set_index(
        "step"
    )
    read = table.loc["read"]
    # Σw = 2.5; reached `read`: a, b, c = 2.0, b unseen; open b and c stand before `pay`.
    assert read["n_entered"] == pytest.approx(2.5, abs=ROUNDING)
    assert read["n_reached"] == pytest.approx(2.0, abs=ROUNDING)
    assert read["n_unseen"] == pytest.approx(0.4, abs=ROUNDING)
    assert table.loc["pay", "n_open"] == pytest.approx(1.1, abs=ROUNDING)
    assert read["share_of_entered"] == pytest.approx(0.8, abs=ROUNDING)
    # Kish: 2.5² / (.81 + .16 + .49 + .25) = 6.25 / 1.71 = 3.65; the sum of weights is less: 2.5.
    assert effective_n(weights) == pytest.approx(2.5, abs=ROUNDING)
    expected = wilson(np.array([0.8]), 2.5)
    assert read[["low", "high"]].tolist() == pytest.approx(np.ravel(expected), abs=ROUNDING)


def test_leads_outside_the_base_do_not_count_in_the_effective_n():
    journeys = journeys_of("a 1 ask\nb 1 ask\nb 2 read\nc 1 what")
    read = count_funnel(journeys).set_index("step").loc["read"]
    expected = wilson(np.array([0.5]), 2)
    assert read[["low", "high"]].tolist() == pytest.approx(np.ravel(expected), abs=ROUNDING)


# --- a second opinion ------------------------------------------------------------------------


def slow_lead(lead, events, steps, measurable, path, rule, window, until):
    """One lead by the rules of counting: None outside the base, else (reached, seen) by position.

    events: (time, step) pairs; lead: status and the day it was sold; all plain numbers.
    """
    before = [e for e in events if e[1] in steps.before_sale]
    if not before:
        return None
    entry = min(at for at, _ in before)
    if window is not None:
        if until - entry < window:
            return None
        before = [e for e in before if e[0] - entry <= window]
    sold = lead["sold"]
    if sold is not None and window is not None and sold - entry > window:
        sold = None
    seen, had = [], {}
    for step in path:
        had[step] = had.get(step, 0) + 1
        seen.append(sum(s == step for _, s in before) >= had[step])
    reached = [
        s or (step == steps.won and sold is not None) for step, s in zip(path, seen, strict=True)
    ]
    if rule == "passed":
        reached = [any(reached[n:]) for n in range(len(path))]
    if rule == "ordered":
        reached, left, now, stopped = [], sorted(before), -math.inf, False
        for step in path:
            if step not in measurable and step != steps.won:
                reached.append(None)
                continue
            fits = [e for e in left if e[1] == step and e[0] >= now]
            times = [e[0] for e in fits[:1]]
            if step == steps.won and sold is not None and sold >= now:
                times.append(sold)
            stopped = stopped or not times
            if not stopped:
                now = min(times)
                if fits:
                    left.remove(fits[0])
            reached.append(not stopped)
        for n in reversed(range(len(path))):
            if reached[n] is None:
                reached[n] = reached[n + 1] if n + 1 < len(path) else False
    return reached, seen


def slow_funnel(rows, leads, steps, path, rule, window, until):
    """n_entered, then lists of n_reached, n_unseen, n_open: loops over plain lists."""
    measurable = {action for _, _, action in rows if action in steps.ids}
    entered, table = 0, [[0, 0, 0] for _ in path]
    for name, lead in leads.items():
        own = [(at, action) for who, at, action in rows if who == name and action in steps.ids]
        found = slow_lead(lead, own, steps, measurable, path, rule, window, until)
        if found is None:
            continue
        entered += 1
        furthest = max([n for n, r in enumerate(found[0]) if r], default=-1)
        for n, (reached, seen) in enumerate(zip(*found, strict=True)):
            table[n][0] += reached
            table[n][1] += reached and not seen
            table[n][2] += lead["status"] == "open" and furthest < n
    return entered, *(list(x) for x in zip(*table, strict=True))


STATUS = st.tuples(st.sampled_from(["won", "lost", "open"]), st.integers(0, 9))
ROW = st.tuples(
    st.sampled_from("abcde"),
    st.integers(0, 6),
    st.sampled_from(["ask", "read", "sign", "pay", "thanks", "what"]),
)
# Exact duplicates are removed by `build_log`; of lists that may be short most are.
ROWS = st.sampled_from([1, 10]).flatmap(
    lambda n: st.lists(ROW, min_size=n, max_size=24, unique=True)
)
LOGS = st.tuples(ROWS, st.fixed_dictionaries(dict.fromkeys("abcde", STATUS)))


def both_ways(drawn):
    """Journeys of a drawn log, and the same as plain lists."""
    rows, told = drawn
    told = {k: told[k] for k in sorted({who for who, _, _ in rows})}
    text = "\n".join(f"{who} {at} {action}" for who, at, action in rows)
    words = {k: f"{s} {d}" if s != "open" else s for k, (s, d) in told.items()}
    journeys = journeys_of(text, 9, **words)
    paid = {k: [at for who, at, action in rows if (who, action) == (k, "pay")] for k in told}
    leads = {k: {"status": s, "sold": min([d, *paid[k]]) if s == "won" else None}
             for k, (s, d) in told.items()}  # fmt: skip
    kept = [row for row in rows if counts(row, told)]
    return journeys, kept, leads


def counts(row, told):
    """Does an event count: of a lost lead no sale, and no step before the sale after closing?"""
    (_, at, action), (status, end) = row, told[row[0]]
    if status != "lost" or action not in STEPS.before_sale:
        return True
    return action != STEPS.won and at <= end


@settings(max_examples=50, derandomize=True)
@given(
    LOGS,
    st.sampled_from([None, 1, 3, 6]),
    st.sampled_from([None, ("read", "ask", "pay"), ("ask", "read", "ask", "read"), ("sign",)]),
)
def test_slow_loops_count_the_same(drawn, window, path):
    journeys, rows, leads = both_ways(drawn)
    ids = path or STEPS.before_sale
    for rule in RULES:
        within = None if window is None else f"{window}D"
        table = count_funnel(journeys, rule, within, Group(path=path))
        table = table[table["part"] == "before_sale"]
        n, *counted = slow_funnel(rows, leads, STEPS, ids, rule, window, 9)
        assert (table["n_entered"] == n).all()
        for name, slow in zip(("n_reached", "n_unseen", "n_open"), counted, strict=True):
            assert table[name].tolist() == slow, rule


@settings(max_examples=20, derandomize=True)
@given(LOGS, st.sampled_from([None, 2]))
def test_slow_loops_count_the_same_after_the_sale(drawn, window):
    journeys, rows, leads = both_ways(drawn)
    base = n = 0
    for name, lead in leads.items():
        entered = any(who == name and action in STEPS.before_sale for who, _, action in rows)
        sold = lead["sold"]
        if sold is None or not entered:
            continue
        times = [at for who, at, action in rows if who == name and action == "thanks"]
        base += 1
        n += any(at >= sold and (window is None or at - sold <= window) for at in times)
    dark = not any(action == "thanks" for _, _, action in rows)
    for rule in RULES:
        last = count_funnel(journeys, rule, None if window is None else f"{window}D").iloc[-1]
        np.testing.assert_equal(
            [last["n_entered"], last["n_reached"]], [base, np.nan if dark else n]
        )


# --- what must always hold -------------------------------------------------------------------


@settings(max_examples=20, derandomize=True)
@given(LOGS, st.sampled_from([None, "2D"]))
def test_funnels_never_grow_and_order_is_the_stricter_rule(drawn, within):
    journeys, _, _ = both_ways(drawn)
    tables = {rule: count_funnel(journeys, rule, within=within).iloc[:-1] for rule in RULES}
    counts = {rule: table["n_reached"].dropna().to_numpy() for rule, table in tables.items()}
    assert (np.diff(counts["passed"]) <= 0).all() and (np.diff(counts["ordered"]) <= 0).all()
    assert (counts["ordered"] <= counts["passed"]).all()
    assert (counts["any"] <= counts["passed"]).all()
    table = count_funnel(journeys, within=within).dropna(subset="n_reached")
    assert (table["n_unseen"] <= table["n_reached"]).all()
    assert (table["n_reached"] + table["n_open"] <= table["n_entered"]).all()
    sure = table.dropna(subset="share_of_entered")
    assert (sure["low"] <= sure["share_of_entered"] + ROUNDING).all()
    assert (sure["share_of_entered"] <= sure["high"] + ROUNDING).all()


@settings(max_examples=15, derandomize=True)
@given(LOGS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(drawn, random):
    rows, told = drawn
    shuffled = rows.copy()
    random.shuffle(shuffled)
    journeys = [both_ways((r, told))[0] for r in (rows, shuffled)]
    for rule in RULES:
        pd.testing.assert_frame_equal(*(count_funnel(some, rule, "3D") for some in journeys))


@settings(max_examples=15, derandomize=True)
@given(LOGS, st.integers(0, 2**32 - 1), st.sampled_from(RULES))
def test_segments_add_up_to_all(drawn, seed, rule):
    journeys, _, _ = both_ways(drawn)
    weights = np.random.default_rng(seed).random(len(journeys.leads))
    every = count_funnel(journeys, rule)
    parts = [
        count_funnel(journeys, rule, group=Group(memberships=w[:, None]))
        for w in (weights, 1 - weights)
    ]
    for name in ("n_entered", "n_reached", "n_unseen", "n_open"):
        assert np.allclose(parts[0][name] + parts[1][name], every[name], atol=ROUNDING, rtol=0,
                           equal_nan=True)  # fmt: skip
    for part in parts:
        assert not (part[["share_of_entered", "share_of_previous"]] > 1).any(axis=None)


def test_find_reached_tells_of_each_lead():
    journeys = journeys_of(FOUR)
    counted = tally(journeys)
    base, taken, seen = (x[counted.of_lead] for x in find_reached(counted, np.arange(4)))
    assert base.all()
    assert taken.astype(int).tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0]]
    assert seen[1].tolist() == [True, False, True, False]


def test_a_path_ends_with_the_sale():
    group = Group("s1", ("ask", "thanks", "pay"))
    with pytest.raises(InputError, match="path of s1: thanks comes after the sale"):
        count_funnel(journeys_of(FOUR), group=group)
