"""`funnel check`: what an export holds, what is wrong with it, what can be concluded."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import test_cli
import yaml
from test_cli import BAD_EVENTS, HEADER, everything_in

import funnel_lib
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import FEWEST_LEADS
from funnel_lib.core.words import SMALL as FEW_BUYERS
from funnel_lib.core.words import Words
from funnel_lib.sections.quality.conclusions import (
    describe_log,
    label_actions,
    label_contents,
    list_problems,
    tell_conclusions,
)

here = test_cli.here
DAY = pd.Timedelta(days=1)
FIRST, N = pd.Timestamp("2025-01-01 10:30"), 60


class Keys(Words):
    """Words that tell which sentence was chosen; its text is written all the same."""

    def text(self, key, **values):
        super().text(key, **values)
        return key


def make_events(n=N):
    """Each lead: a request, a call and a move the day after, an answer on the third day."""
    lead = np.repeat(np.arange(n), 4)
    return pd.DataFrame({
        "lead_id": [f"L{i:02d}" for i in lead],
        "at": FIRST + lead * 5 * DAY + np.tile([0, 1, 1, 2], n) * DAY,
        "action": ["request", "call", "stage: Called", "answer"] * n,
        "actor": ["client", "manager", "manager", "client"] * n,
    })  # fmt: skip


def make_leads(n=N):
    """35 won, then 15 lost, the others open."""
    created = FIRST + np.arange(n) * 5 * DAY
    status = np.repeat(["won", "lost", "open"], [35, 15, N - 50])[:n]
    return pd.DataFrame({
        "lead_id": [f"L{i:02d}" for i in range(n)], "created_at": created, "status": status,
        "closed_at": pd.Series(created + 3 * DAY).where(status != "open"),
        "amount": 100.0, "currency": "EUR", "manager": np.resize(["Anna", "Vera"], n),
        "team": ["north"] * (n - 9) + ["south"] * 9, "product": ["kettle"] * (n - 9) + ["iron"] * 9,
        "source": ["ads"] * (n - 9) + ["site"] * 9, "loss_reason": "price", "account_id": "A1",
    })  # fmt: skip


EVENTS, LEADS = make_events(), make_leads()
LAST = EVENTS["at"].max()
UNTIL = LAST + 9 * DAY
MOVES = EVENTS["action"].str.startswith("stage: ")


def told_of(events=EVENTS, leads=LEADS, until=UNTIL, assumed=(), words=None):
    log = build_log(events, leads, until, assumed=assumed)
    return tell_conclusions(log, words or Keys("en"))


def squeeze(frame, to_days):
    """The same in less time: the last event comes so many days after the first."""
    part = to_days * DAY / (LAST - FIRST)
    columns = [c for c in ("at", "created_at", "closed_at") if c in frame]
    return frame.assign(**{c: FIRST + (frame[c] - FIRST) * part for c in columns})


def same(*columns):
    return {"leads": LEADS.assign(**dict.fromkeys(columns, "all alike"))}


def first_leads(column, value, n):
    """The first n leads with another value."""
    return {"leads": LEADS.assign(**{column: LEADS[column].mask(LEADS.index < n, value)})}


ALL_FINE = [
    "check_actors", "check_outcomes", "check_money", "check_stages", "check_compare",
    "check_accounts", "check_reasons",
]  # fmt: skip
# What is changed; which of the sentences above go, and which come.
CASES = {
    "nothing": ({}, "", ""),
    "no actor": ({"events": EVENTS.drop(columns="actor")}, "check_actors", "check_no_actors"),
    "one without actor": (
        {"events": EVENTS.assign(actor=EVENTS["actor"].where(EVENTS.index > 0))},
        "check_actors", "check_actors_some",
    ),
    "moves without actor": (
        {"events": EVENTS.assign(actor=EVENTS["actor"].where(~MOVES))}, "", "",
    ),
    "no act of clients": (
        {"events": EVENTS.replace({"actor": {"client": "system"}})},
        "check_actors", "check_no_client",
    ),
    "managers only move stages": (
        {"events": EVENTS.replace({"actor": {"manager": "system"}}).assign(
            actor=lambda e: e["actor"].mask(MOVES, "manager"))},
        "check_actors", "check_no_manager",
    ),
    "all by the system": (
        {"events": EVENTS.assign(actor="system")},
        "check_actors", "check_no_client check_no_manager",
    ),
    "nothing but moves": ({"events": EVENTS[MOVES]}, "check_actors", "check_only_stages"),
    "no outcome": (
        {"leads": LEADS.drop(columns=["status", "closed_at"])},
        "check_outcomes", "check_no_outcomes",
    ),
    "one without outcome": (
        first_leads("status", None, 1), "check_outcomes", "check_outcomes_some",
    ),
    "nobody lost": ({"leads": LEADS.replace({"status": {"lost": "open"}})}, "", "no_lost_leads"),
    "nobody lost, most open": (
        {"leads": LEADS.assign(status=["open"] * 20 + ["won"] * 15 + ["open"] * (N - 35))},
        "", "check_no_lost necessity_small",
    ),
    "29 buyers": (first_leads("status", "open", 6), "", "necessity_small"),
    "30 buyers": (first_leads("status", "open", 5), "", ""),
    "no amount": ({"leads": LEADS.drop(columns="amount")}, "check_money", "check_no_money"),
    "amounts of zero": ({"leads": LEADS.assign(amount=0)}, "check_money", "check_no_money"),
    "no amount, two currencies": (
        {"leads": first_leads("currency", "USD", 9)["leads"].drop(columns="amount")},
        "check_money", "check_no_money",
    ),
    "no currency": ({"leads": LEADS.drop(columns="currency")}, "", "check_no_currency"),
    "one currency, not always": (first_leads("currency", None, 9), "", ""),
    "two currencies, not always": (
        {"leads": LEADS.assign(currency=np.resize(["EUR", "USD", None], N))},
        "", "check_currencies",
    ),
    "two currencies": (first_leads("currency", "USD", 1), "", "check_currencies"),
    "current stages": (
        {"events": EVENTS[~MOVES], "leads": LEADS.assign(stage="Called")},
        "check_stages", "pipeline_snapshot",
    ),
    "no stages": ({"events": EVENTS[~MOVES]}, "check_stages", "check_no_stages"),
    "one team": (same("team"), "", "check_no_compare"),
    "no manager": ({"leads": LEADS.drop(columns="manager")}, "", "check_no_compare"),
    "one manager and team": (same("manager", "team"), "", "check_no_compare check_no_groups"),
    "nothing to compare": (
        same("manager", "team", "product", "source"),
        "check_compare", "check_no_compare check_no_groups",
    ),
    "no account": (
        {"leads": LEADS.drop(columns="account_id")}, "check_accounts", "check_no_accounts",
    ),
    "no reason": (
        {"leads": LEADS.drop(columns="loss_reason")}, "check_reasons", "check_no_reasons",
    ),
    "dates": ({"events": EVENTS.assign(at=EVENTS["at"].dt.normalize())}, "", "check_dates_only"),
    "dates of a twentieth": (
        {"events": EVENTS.assign(at=EVENTS["at"].mask(EVENTS.index % 20 == 0, FIRST.normalize()))},
        "", "check_dates_some",
    ),
    "dates of a thirtieth": (
        {"events": EVENTS.assign(at=EVENTS["at"].mask(EVENTS.index % 30 == 0, FIRST.normalize()))},
        "", "",
    ),
    "89 days": (
        {"events": squeeze(EVENTS, 80), "leads": squeeze(LEADS, 80), "until": FIRST + 89 * DAY},
        "", "check_short",
    ),
    "90 days": (
        {"events": squeeze(EVENTS, 80), "leads": squeeze(LEADS, 80), "until": FIRST + 90 * DAY},
        "", "",
    ),
    "3 leads of before": (first_leads("created_at", FIRST - 2 * DAY, 3), "", "check_cut_start"),
    "2 leads of before": (first_leads("created_at", FIRST - 2 * DAY, 2), "", ""),
    "leads of the same day": (first_leads("created_at", FIRST - DAY, 60), "", ""),
    "30 days of silence": ({"until": LAST + 30 * DAY}, "", "check_silent_end"),
    "29 days of silence": ({"until": LAST + 29 * DAY}, "", ""),
    "one event a lead": ({"events": EVENTS[MOVES | (EVENTS["action"] == "request")].replace(
        {"actor": {"manager": None}}), "until": UNTIL}, "check_actors",
        "check_no_manager check_one_event"),
    "49 leads": (
        {"events": make_events(49), "leads": make_leads(49), "until": UNTIL - 55 * DAY},
        "", "check_few_leads",
    ),
    "50 leads": (
        {"events": make_events(50), "leads": make_leads(50), "until": UNTIL - 50 * DAY}, "", "",
    ),
    "49 leads with events": (
        {"events": make_events(49), "until": UNTIL - 50 * DAY}, "", "check_few_leads",
    ),
    "export date not told": ({"until": None}, "", "assumed.observed_until"),
    "time zone not told": ({"assumed": ("time_zone",)}, "", "assumed.time_zone"),
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("case", CASES)
def test_a_sentence_is_told_exactly_when_its_condition_holds(case, lang):
    changes, gone, come = CASES[case]
    told = [key.removeprefix("sentence.") for key in told_of(**changes, words=Keys(lang))]
    assert [key for key in told if key in ALL_FINE] == [
        key for key in ALL_FINE if key not in gone.split()
    ]
    assert sorted(key for key in told if key not in ALL_FINE) == sorted(come.split())
    assert told[: len(ALL_FINE) - len(gone.split())] == [k for k in told if k in ALL_FINE]


def test_every_sentence_of_a_check_has_its_case():
    path = Path(funnel_lib.__file__).parent / "locale" / "en.yml"
    keys = yaml.safe_load(path.read_text(encoding="utf-8"))["sentence"]
    ours = {key for key in keys if key.startswith("check_")}
    # of reading, see test_first_contact and test_lists_of_deals
    ours -= {f"check_{name}" for name in ("words_status", "words_events", "words_read",
                                          "steps_unread")}  # fmt: skip
    assert len(ours) > 20
    assert ours == {
        key
        for key in [*ALL_FINE, *" ".join(come for _, _, come in CASES.values()).split()]
        if key.startswith("check_")
    }


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_concluded_comes_after_what_can(case):
    starts = ["You can ", "You cannot "]
    told = told_of(**CASES[case][0], words=Words("en"))
    ranks = [next((n for n, s in enumerate(starts) if text.startswith(s)), 2) for text in told]
    assert ranks == sorted(ranks)
    russian = told_of(**CASES[case][0], words=Words("ru"))
    starts = ["Можно ", "Нельзя "]
    assert ranks == [next((n for n, s in enumerate(starts) if t.startswith(s)), 2) for t in russian]


def test_sentences_hold_the_numbers_of_the_log():
    leads = LEADS.assign(
        amount=LEADS["amount"].where(LEADS.index >= 15),
        account_id=LEADS["account_id"].where(LEADS.index < 6),
        currency=LEADS["currency"].mask(LEADS.index > 55, "usd"),
        team="one",
    )
    events = EVENTS.assign(actor=EVENTS["actor"].where(EVENTS.index >= 18))
    told = told_of(events, leads, FIRST + 400 * DAY, words=Words("ru"))
    # 15 of 60 have no amount, 54 no account; of 180 events that are no moves 18 - 5 + 1 = 14 rows
    # lie before index 18 (four moves at 2, 6, 10, 14); the last event is of day 59 · 5 + 2 = 297
    for part in (
        "у 75,0 % лидов (45 из 60)", "у 10,0 % лидов", "(переходов: 60)", "(лидов с причиной: 60)",
        "по столбцам: менеджер, продукт, источник.", "по столбцам: команда (",
        "(EUR, USD)", "14 из 180 (7,8 %)", "событие — 25 окт. 2025, а выгрузка — 5 февр. 2026",
    ):  # fmt: skip
        assert part in " ".join(told).replace("\xa0", " "), part


def test_a_day_begins_at_midnight_of_the_readers_time_zone():
    moscow = EVENTS["at"].dt.normalize().dt.tz_localize("Europe/Moscow")
    changed = {"events": EVENTS.assign(at=moscow)}
    assert "sentence.check_dates_only" not in told_of(**changed)
    words = Keys("en", time_zone="Europe/Moscow")
    assert "sentence.check_dates_only" in told_of(**changed, words=words)


def test_bounds_are_those_of_the_audit():
    assert FEW_BUYERS == 30 and FEWEST_LEADS == 50


SMALL = pd.DataFrame({
    "lead_id": ["a", "a", "a", "b", "b", "c", None],
    "at": [*pd.date_range("2025-01-01 09:00", periods=6, freq="D"), FIRST],
    "action": ["ask", "stage: New", "ask", "ask", "call", "stage: New", "ask"],
    "actor": ["client", "manager", "manager", None, "manager", None, None],
})  # fmt: skip


def test_an_export_is_described_by_hand():
    leads = pd.DataFrame({
        "lead_id": ["a", "b", "d"], "status": ["won", "lost", "won"],
        "currency": ["eur ", "USD", None], "stage": ["New", "Old", ""],
    })  # fmt: skip
    tables = describe_log(build_log(SMALL, leads, "2025-02-01"))
    totals = dict(tables["totals"].values.tolist())
    assert totals["rows_read"] == totals["rows_kept"] + totals["rows_removed"] == 7
    assert (totals["leads"], totals["leads_with_events"], totals["actions"]) == (4, 3, 2)
    assert totals["first_event"] == pd.Timestamp("2025-01-01 09:00", tz="UTC")
    assert totals["last_event"] == pd.Timestamp("2025-01-06 09:00", tz="UTC")
    assert tables["parts"].values.tolist() == [
        ["actor", "manager", 3, 0.5], ["actor", "client", 1, 1 / 6], ["actor", "", 2, 2 / 6],
        ["status", "won", 2, 0.5], ["status", "lost", 1, 0.25], ["status", "", 1, 0.25],
        ["currency", "EUR", 1, 0.25], ["currency", "USD", 1, 0.25], ["currency", "", 2, 0.5],
    ]  # fmt: skip
    assert tables["actions"].values.tolist() == [
        ["ask", "client, manager", 3, 0.75, 2], ["call", "manager", 1, 0.25, 1],
    ]  # fmt: skip
    # a and c moved to New last; b is told to stand at Old, d at none
    assert tables["stages"].values.tolist() == [["New", 2, 2, 2], ["Old", 0, 0, 1]]


def test_a_stage_bears_the_name_of_its_pipeline_where_there_are_several():
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "pipeline": ["Retail", "Retail", "Trade"],
                          "stage": ["Old", "Old", None]})  # fmt: skip
    stages = describe_log(build_log(SMALL, leads, "2025-02-01"))["stages"]
    assert stages.values.tolist() == [
        ["Retail / New", 1, 1, 1], ["Trade / New", 1, 1, 1], ["Retail / Old", 0, 0, 1],
    ]  # fmt: skip


def test_the_order_of_rows_does_not_matter():
    shuffled = SMALL.sample(frac=1, random_state=3)
    one, other = (describe_log(build_log(x)) for x in (SMALL, shuffled))
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name])


def test_contents_are_written_for_the_reader():
    tables = describe_log(build_log(SMALL, observed_until="2025-02-01"))
    rows = [x.replace("\xa0", " ") for x in label_contents(tables, Words("ru"))["Значение"]]
    assert rows[:3] == ["7", "6", "1"] and rows[6:9] == [
        "1 янв. 2025",
        "6 янв. 2025",
        "1 февр. 2025",
    ]
    assert rows[9] == "менеджер 3 (50,0 %), клиент 1 (16,7 %), не указано 2 (33,3 %)"
    actions = label_actions(tables["actions"], Words("ru"))
    assert actions["actor"].tolist() == ["клиент, менеджер", "менеджер"]
    no_actor = describe_log(build_log(SMALL.drop(columns="actor")))["actions"]
    assert set(label_actions(no_actor, Words("en"))["actor"]) == {"no value"}


def test_many_currencies_are_cut():
    log = build_log(EVENTS, LEADS.assign(currency=[f"C{i:02d}" for i in range(N)]))
    shown = label_contents(describe_log(log), Words("en")).iloc[-1, 1]
    assert shown.startswith("C00 1 (1.7%), ") and shown.endswith("… and 50 more")


def test_problems_come_by_severity_then_size():
    leads = LEADS.assign(amount=LEADS["amount"].mask(LEADS.index < 5, -1.0).where(LEADS.index > 0))
    late = FIRST + 800 * DAY
    more = pd.DataFrame({"lead_id": [None, "L00", "L00"], "at": [FIRST, late, late],
                         "action": ["x", "y", "z"], "actor": None})  # fmt: skip
    found = list_problems(build_log(pd.concat([EVENTS, more]), leads, UNTIL))
    assert found[["check", "n_rows", "severity"]].values.tolist() == [
        ["no_lead", 1, "error"], ["negative_amounts", 4, "warning"],
        ["after_observed_until", 2, "warning"], ["leads_without_amount", 1, "info"],
    ]  # fmt: skip


def test_any_small_part_of_a_log_can_be_told():
    for rows in ([0], [2], [0, 2], [4]):
        log = build_log(EVENTS.iloc[rows])
        assert tell_conclusions(log, Words("ru")) and describe_log(log)["totals"].shape == (9, 2)


# The command.


def test_the_sample_can_be_read_in_both_languages(root, here, funnel):
    before = everything_in(here)
    parts = {
        "en": ["What is in the export", "25,435", "won 607 (20.2%)", "request_left", "… and 7 more",
               "Proposal sent", "What is wrong or odd", "Nothing odd was found",
               "You can count money: an amount above zero", "The export date was not given"],
        "ru": ["Что есть в выгрузке", "25 435", "купили 607 (20,2 %)", "менеджер", "… и ещё 7",
               "КП отправлено", "Что не так или странно", "Странностей в данных не нашлось",
               "Можно считать деньги", "Дата выгрузки не указана"],
    }  # fmt: skip
    for lang, expected in parts.items():
        sample = root / "data" / ("sample" if lang == "en" else f"sample_{lang}")
        files = [sample / "events.csv", "--leads", sample / "leads.csv"]
        code, out, err = funnel("check", *files, "--lang", lang)
        assert (code, err) == (0, "")
        for part in expected:
            assert part in re.sub(r"[\s\xa0]+", " ", out), part
    assert everything_in(here) == before


def test_it_takes_mapping_time_zone_and_export_date(here, funnel):
    (here / "odd.csv").write_text("who;when;what\n1;01.02.2025;x\n2;02.02.2025;y\n")
    (here / "map.yml").write_text("columns: {lead_id: who, at: when, action: what}\n")
    options = ["--mapping", "map.yml", "--time-zone", "Europe/Moscow"]
    code, out, _ = funnel("check", "odd.csv", *options, "--observed-until", "2025-03-31")
    assert code == 0 and "1 Feb 2025" in out and "31 Mar 2025" in out
    assert "a date, but no time of day" in out and "UTC" not in out.split("What can be")[1]
    assert "Stages of the CRM" not in out


def test_warnings_and_errors_in_the_rows_are_told_and_end_well(here, funnel):
    rows = "L0,2025-01-01 10:00,request_left\n,2025-01-03 10:00,x\n"
    (here / "log.csv").write_text(test_cli.GOOD + rows)
    code, out, err = funnel("check", "log.csv", "--lang", "ru")
    assert (code, err) == (0, "")
    table = out.split("Что не так")[1]
    places = [table.index(x) for x in ("нужно исправить", "стоит проверить", "к сведению")]
    assert places == sorted(places)
    assert "события без лида" in re.sub(r"[\s│]+", " ", table)


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_what_cannot_be_read_ends_with_2_and_a_message(here, funnel, case):
    data, told = BAD_EVENTS[case]
    (here / "bad.csv").write_bytes(data)
    assert_refused(funnel, here, "bad.csv", told=told)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--leads", "no.csv", "no.csv: no such file"),
        ("--mapping", "no.yml", "no.yml: no such file; expected a mapping file"),
        ("--mapping", "log.csv", "expected a mapping file"),
        ("--observed-until", "2024-12-31", "lies before the data begins (2025-01-01)"),
        ("--observed-until", "soon", "'soon' is no date"),
        ("--lang", "de", "--lang de: choose en or ru"),
        ("--time-zone", "Mars", "no time zone 'Mars'"),
    ],
)
def test_options_that_are_wrong_are_refused(here, funnel, option, value, told):
    assert_refused(funnel, here, "log.csv", option, value, told=[told])


def test_every_problem_is_told_at_once(here, funnel):
    (here / "bad.yml").write_text("colums: {}\n")
    wrong = ["--mapping", "bad.yml", "--lang", "de", "--time-zone", "Mars"]
    told = ["4 problems:", "no.csv", "'colums'", "--lang de", "'Mars'"]
    assert_refused(funnel, here, "no.csv", *wrong, told=told)


def test_text_of_the_export_is_no_order_to_the_screen(here, funnel):
    text = HEADER + "L1,2025-01-01 10:00,[red]x[/red]\nL2,2025-01-02 10:00,\x1b[2Jy\n"
    (here / "log.csv").write_text(text)
    code, out, _ = funnel("check", "log.csv")
    assert code == 0 and "[red]x[/red]" in out and "\x1b" not in out


def test_the_banks_log(real_data, here, funnel, root):
    mapping = root / "tests" / "real" / "bpi2012_mapping.yml"
    events = real_data / "bpi2012" / "bpi2012.events.csv.gz"
    code, out, err = funnel("check", events, "--mapping", mapping)
    assert (code, err) == (0, "")
    for part in ("262,200", "164,506", "97,694", "13,087", "no event says who acted"):
        assert part in out


def assert_refused(funnel, here, *arguments, told):
    """Exit code 2, one message with everything told, and not a file more or less than before."""
    before = everything_in(here)
    code, output, err = funnel("check", *arguments)
    assert code == 2 and output == ""
    assert err.startswith("funnel: ") and "Traceback" not in err
    for part in told:
        assert part in err, err
    assert everything_in(here) == before
