"""What an export's filter left out: told by what is missing, and nothing told of a whole log."""

import numpy as np
import pandas as pd
import pytest
from cut_exports import CUTS, DAY, N, by_creation, closed_alone, cut_planted, plant

from funnel_lib.audit import build_audit
from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.counting.checks import check_cuts, check_log, find_gaps, find_uncut, list_cuts
from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.outcomes.tell import tell_outcomes
from funnel_lib.sections.quality.conclusions import list_problems, tell_conclusions
from funnel_lib.sections.quality.exports import tell_export
from funnel_lib.sections.times.count import count_cohorts

EN, RU = Words("en"), Words("ru")
SEEDS = range(10)  # a cut is found in 95 of 100 logs and more: of ten, none may be missed


@pytest.mark.parametrize("check", CUTS)
def test_planted_cuts_are_found_and_nothing_else_is_told(check):
    for seed in SEEDS:
        log, day, _ = cut_planted(CUTS[check], seed)
        found = list_cuts(log)
        assert [cut.check for cut in found] == [check], seed
        if check in ("cut_by_closing", "history_begins_late", "introduced_at_once"):
            (cut,) = found
            assert abs(cut.day - day.tz_localize("UTC")) < 7 * DAY
            created = log.leads["created_at"].dt.tz_convert(None)
            is_old = created < (day if check != "introduced_at_once" else day.normalize() + DAY)
            assert (cut.leads == is_old).mean() > 0.97


def test_a_filter_by_closing_also_leaves_out_the_open_ones():
    log, *_ = cut_planted(closed_alone, 1)
    assert [cut.check for cut in list_cuts(log)] == ["cut_by_closing", "no_open_leads"]


@pytest.mark.parametrize("world", ["kettles", "messy", "date-only", "two-paces", "one"])
def test_of_whole_logs_and_those_cut_by_creation_nothing_is_told(world):
    for seed in range(3):
        for n in (200, N):
            events, leads, planted = plant(seed, n, world)
            until = planted.truth["observed_until"]
            journeys = build_journeys(
                build_log(events, leads, until), parse_steps(planted.steps_yaml)
            )
            assert list_cuts(journeys) == [] and find_uncut(journeys).all()
            assert list_cuts(cut_planted(by_creation, seed, n, world)[0]) == []


def table(created, days, status):
    created = pd.Timestamp("2025-01-01") + pd.to_timedelta(created, unit="D")
    closed = created + pd.to_timedelta(days, unit="D")
    ids = [f"L{i:03d}" for i in range(len(created))]
    leads = pd.DataFrame({"lead_id": ids, "created_at": created, "status": status})
    leads["closed_at"] = pd.Series(closed).where(leads["status"] != "open")
    return pd.DataFrame({"lead_id": ids, "at": created, "action": "ask"}), leads


def test_a_cut_by_closing_by_hand():
    """A lead a day, each closed after 10 days; of the first 60 days those closed from day 60 on:
    came on day 50 to 59."""
    events, leads = table(np.arange(50, 160), 10, ["won", "lost"] * 55)
    survivors = list_cuts(build_log(events, leads, "2025-07-01"))
    assert survivors == []  # ten leads of ten days are no fewer than came later
    late = np.append(np.repeat([5, 20, 30, 40], 3), np.arange(60, 160))  # these took long
    took = np.append(np.repeat([60, 45, 35, 25], 3), np.full(100, 10))
    events, leads = table(late, took, np.resize(["won", "lost"], 112))
    (cut,) = list_cuts(build_log(events, leads, "2025-07-01"))
    assert cut.check == "cut_by_closing" and cut.leads.sum() == 18  # and the six of days 60 to 65
    assert f"{cut.day:%m-%d}" == "03-07"  # day 65
    told = check_cuts([cut], leads)
    assert told[["n_rows", "severity", "example"]].values.tolist() == [
        [18, "warning", "2025-03-07; L000; L001; L002"]
    ]


def test_deals_cleaned_up_on_one_day_are_no_survivors():
    """As many came before the first closing as after it: nobody closed deals at first."""
    created = np.arange(0, 200, 0.5)
    took = np.where(created < 60, 61 - created, 10)
    events, leads = table(created, took, np.resize(["won", "lost", "lost"], 400))
    assert list_cuts(build_log(events, leads, "2025-12-01")) == []


def test_leads_of_one_day_and_a_trade_fair_are_no_crm_introduced():
    for created in (np.zeros(200), np.append(np.arange(0, 150, 0.5), np.full(60, 80.5))):
        events, leads = table(created, 10, np.resize(["won", "lost"], len(created)))
        assert list_cuts(build_log(events, leads, "2025-08-01")) == []


def test_a_finished_year_has_no_open_leads_missing():
    events, leads = table(np.arange(0, 200, 0.2), 30, np.resize(["won", "lost"], 1000))
    assert list_cuts(build_log(events, leads, "2025-12-31")) == []
    took = np.tile([5, 30, 60, 90, 20], 200)
    events, leads = table(np.arange(0, 200, 0.2), took, np.resize(["won", "lost"], 1000))
    closed = leads[leads["closed_at"] < "2025-07-19"]
    (cut,) = list_cuts(build_log(events, closed, "2025-07-19"))
    assert cut.check == "no_open_leads"


def test_nothing_is_told_of_an_empty_or_undated_table():
    events, leads = table(np.arange(3), 1, ["won", "lost", "open"])
    assert list_cuts(build_log(events)) == []
    assert list_cuts(build_log(events, leads[["lead_id", "status"]])) == []


@pytest.mark.parametrize("check", CUTS)
def test_cut_leads_are_compared_with_nobody_and_their_months_neither(check):
    log, _, planted = cut_planted(CUTS[check], 3)
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    cut = ~find_uncut(journeys)
    assert cut.any() == (check != "no_won_leads")
    assert not find_habits(journeys).comparable[cut].any()
    cohorts = count_cohorts(journeys)
    assert not (cohorts["is_cut"] & cohorts["is_mature"]).any()
    assert cohorts["is_cut"].any() == cut.any()


@pytest.mark.parametrize("check", CUTS)
def test_a_cut_export_is_audited_and_told_in_both_languages(check, tmp_path):
    log, _, planted = cut_planted(CUTS[check], 2, 500)
    assert check in set(list_problems(log)["check"])
    for lang in ("en", "ru"):
        words = Words(lang)
        told = words.text(f"check.{check}")
        assert told and told != check
        told = tell_export(log, words)
        assert told == [text for text in tell_conclusions(log, words) if text in told]
        assert told
    events, leads = log.events.assign(lead_id=log.events["lead_id"].astype("str")), log.leads
    events.to_csv(tmp_path / "events.csv", index=False)
    leads.drop(columns="has_row").to_csv(tmp_path / "leads.csv", index=False)
    (tmp_path / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    audit = build_audit(
        tmp_path / "events.csv", leads=tmp_path / "leads.csv", steps=tmp_path / "steps.yml",
        segments="none", observed_until=str(log.observed_until),
    )  # fmt: skip
    quality = audit.tables["quality"].set_index("check")
    assert quality.loc[check, "n_rows"] == list_cuts(log)[0].leads.sum()
    assert "recording_habits" not in quality.index or quality.loc["recording_habits", "example"]


def test_the_shared_cut_is_found(root):
    folder = root.parent / "shared" / "cases" / "cut_by_closing_date"
    if not folder.is_dir():
        pytest.skip("../shared is not there")
    audit = build_audit(folder / "events.csv.gz", leads=folder / "leads.csv.gz",
                        steps=folder / "steps.yml", segments="none")  # fmt: skip
    quality = audit.tables["quality"].set_index("check")
    assert quality.loc["cut_by_closing", "example"].startswith("2025-06-05")
    cohorts = audit.tables["cohorts"].set_index("month")
    assert cohorts["is_cut"].tolist() == [True] * 5 + [False] * 6
    assert not cohorts["is_mature"][:5].any()


@pytest.mark.parametrize("check", CUTS)
def test_of_a_cut_export_the_share_of_buyers_is_that_of_whole_leads(check):
    log, _, planted = cut_planted(CUTS[check], 1)
    leads = list_leads(log, build_journeys(log, parse_steps(planted.steps_yaml)))
    entered = leads[leads["entered_at"].notna()]
    whole = entered[~entered["is_cut"]]
    for words in (EN, RU):
        told = tell_outcomes(leads, words)
        if check == "no_lost_leads":
            assert told.endswith(words.text("sentence.outcomes_unknown"))
        elif check != "no_won_leads":
            share = (whole["status"] == "won").mean()
            assert words.share(share) in told and words.number(len(whole)) in told
            assert words.share((entered["status"] == "won").mean()) not in told
            assert abs(share - (plant(1)[1]["status"] == "won").mean()) < 0.015


def find_gap_days(events):
    at = pd.to_datetime(events["at"]).astype("datetime64[us]").astype("int64").to_numpy()
    return [(np.datetime64(a, "D"), np.datetime64(b, "D")) for a, b in find_gaps(at)]


@pytest.mark.parametrize("seed", SEEDS)
def test_days_without_any_event_are_told(seed):
    events, leads, planted = plant(seed, 1500)
    assert find_gap_days(events) == []
    begin = (events["at"].min() + (100 + seed) * DAY).normalize()
    end = begin + (7 + seed) * DAY
    events = events[(events["at"] < begin) | (events["at"] >= end)]
    assert find_gap_days(events) == [(begin, end)]
    log = build_log(events, leads, planted.truth["observed_until"])
    row = check_log(log).set_index("check").loc["gap_in_log"]
    assert row["example"] == f"{begin:%Y-%m-%d} – {end - DAY:%Y-%m-%d}"
    spans = events.groupby("lead_id")["at"].agg(["min", "max"])
    assert row["n_rows"] == ((spans["min"] < begin) & (spans["max"] >= end)).sum() > 0


def test_weekends_and_quiet_times_are_no_gaps():
    days = pd.date_range("2025-01-01", periods=400)
    workdays = days[days.day_of_week < 5]
    full = pd.DataFrame({"at": workdays.repeat(20)})
    assert find_gap_days(full) == []
    long_weekend = full[~full["at"].isin(pd.to_datetime(["2025-05-01", "2025-05-02"]))]
    assert find_gap_days(long_weekend) == []
    monthly = pd.DataFrame({"at": pd.date_range("2025-01-01", periods=20, freq="MS").repeat(500)})
    assert find_gap_days(monthly) == []
    assert find_gap_days(full.iloc[::30]) == []  # of so few events a week without one is chance
    assert find_gap_days(full[:0]) == []
