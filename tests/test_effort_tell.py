"""Sentences of time and money: hand-worked, cautious where intervals overlap, in both languages."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.words import Words
from funnel_lib.sections.after_sale.tell import tell_repeats
from funnel_lib.sections.effort.count import judge_effort
from funnel_lib.sections.effort.tell import tell_effort
from funnel_lib.sections.times.tell import tell_cohorts, tell_standing, tell_times

EN = Words("en", {"ask": "Asked", "read": "Read", "pay": "Paid"})
RU = Words("ru", {"ask": "Спросил", "read": "Прочитал", "pay": "Оплатил"})
BOTH = pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
SMALL = "Fewer than 30 leads: read it as a hint."


def spaced(text):
    return text.replace("\xa0", " ").replace("\u202f", " ")


def make_time_to(**changes):
    """200 entered; 25 % bought by day 90, half of them by day 12; the lost, by day 20."""
    table = pd.DataFrame({
        "segment": "all", "target": ["ask", "won", "lost"], "n_entered": 200.0, "last_day": 90,
        "incidence": [1.0, 0.25, 0.6], "low": [0.98, 0.2, 0.53], "high": [1.0, 0.31, 0.67],
        "median_days": [0.0, np.nan, 30.0], "median_days_of_takers": [0.0, 12.0, 20.0],
    })  # fmt: skip
    return table.assign(**changes)


def make_cohorts(shares=(0.2, 0.25, 0.3), around=0.08, n_young=0, n_entered=100, p=(0.3, 0.2)):
    """`p`: of all months alike, and of the worst against the best."""
    n, share = len(shares), np.array(shares)
    return pd.DataFrame({
        "month": [f"2025-{m:02d}" for m in range(1, n + 1)], "n_entered": n_entered,
        "horizon_days": 21, "share": share, "low": share - around, "high": share + around,
        "is_mature": np.arange(n) < n - n_young, "is_cut": False, "p_months": p[0], "p_best": p[1],
    })  # fmt: skip


def make_standing(**changes):
    table = pd.DataFrame({
        "segment": "all", "step": ["ask", "read", "pay"], "n_took": [90.0, 40.0, 4.0],
        "normal_days": [0.3, 14.0, 5.0], "n_open": [9.0, 12.0, 3.0],
        "n_standing": [2.0, 7.0, np.nan],
    })  # fmt: skip
    return table.assign(**changes)


def make_value(currencies=("EUR",), segments=("s1", "s2"), n_leads=100.0):
    ids = ["all", *segments]
    return pd.DataFrame([
        {"segment": s, "n_leads": n_leads, "currency": currency} for currency in currencies
        for s in ids
    ])  # fmt: skip


def make_ranges(segments, currency="EUR"):
    """segment -> measure -> (value, low, high)."""
    rows = [
        (s, currency, measure, *numbers)
        for s, measures in segments.items()
        for measure, numbers in measures.items()
    ]
    return pd.DataFrame(rows, columns=["segment", "currency", "measure", "value", "low", "high"])


def tell_ranges(value, ranges, names, words):
    return tell_effort(value, judge_effort(ranges), names, words)


NAMES = pd.DataFrame({"segment": ["s1", "s2"], "name": ["with read", "without read"]})
PER_ACTION = {  # 600 EUR an action against 200, intervals apart
    "s1": {"amount_per_mature_action": (600, 500, 700)},
    "s2": {"amount_per_mature_action": (200, 150, 250)},
}
SHARES = {  # s2: 70 % of the actions, 40 % of the money, intervals apart
    "s1": {"share_of_actions": (0.3, 0.25, 0.35), "share_of_amount": (0.6, 0.5, 0.7)},
    "s2": {"share_of_actions": (0.7, 0.65, 0.75), "share_of_amount": (0.4, 0.3, 0.5)},
}


def make_repeats(**changes):
    table = pd.DataFrame({
        "segment": "all", "currency": ["EUR"], "n_won": 50.0, "n_again": 10.0, "share": 0.2,
        "low": 0.11, "high": 0.33, "horizon_days": 180.0,
        "amount_again": 9000.0, "median_days_to_again": 40.0,
    })  # fmt: skip
    return table.assign(**changes)


def test_times_in_both_languages():
    assert spaced(tell_times(make_time_to(), EN)) == (
        "Of 200 who entered, 25.0% bought within 90 days (95% interval 20.0–31.0%). Beyond that "
        "too few are followed to say. Half of the buyers bought within 12 days. Half of all "
        "losses happen within 20 days."
    )
    assert spaced(tell_times(make_time_to(), RU)) == (
        "Из 200 вошедших за 90 дней купили 25,0 % (диапазон 95 %: 20,0–31,0 %). О большем сроке "
        "судить рано: слишком мало лидов. Половина купивших сделала это за 12 дней. Половина "
        "потерь происходит за 20 дней."
    )


def test_a_half_that_is_reached_is_told():
    told = tell_times(make_time_to(median_days=33.0, incidence=0.6), EN)
    assert "Half of all who entered bought within 33 days." in told and "Fewer" not in told


def test_day_0_is_the_first_day():
    assert EN.within(0) == "within a day" and EN.within(1) == "within 1 day"
    assert RU.within(0) == "за первые сутки" and RU.within(3) == "за 3 дня"
    assert "bought within a day" in tell_times(make_time_to(median_days_of_takers=0.0), EN)


def test_times_of_all_leads_are_told_where_there_are_segments():
    table = pd.concat([make_time_to(segment="s1", incidence=0.9), make_time_to()])
    assert tell_times(table, EN) == tell_times(make_time_to(), EN)


def test_nobody_bought_or_was_lost():
    none = make_time_to(incidence=0.0, median_days_of_takers=np.nan)
    assert tell_times(none, EN) == "Of 200 who entered, nobody bought within 90 days."
    assert tell_times(none, RU) == "Из 200 вошедших за 90 дней не купил никто."


def test_cohorts_are_compared_as_far_as_their_intervals_go():
    assert spaced(tell_cohorts(make_cohorts(n_young=1), EN)) == (
        "Bought within 21 days: 20.0% of the leads of January 2025 (95% interval 12.0–28.0%), "
        "25.0% of those of February 2025 (95% interval 17.0–33.0%). There is no change beyond "
        "chance. 1 month is too young to compare."
    )
    assert spaced(tell_cohorts(make_cohorts(n_young=1), RU)) == (
        "Купили за 21 день: январь 2025 — 20,0 % (диапазон 95 %: 12,0–28,0 %), февраль 2025 — "
        "25,0 % (диапазон 95 %: 17,0–33,0 %). Изменений больше случайных не видно. "
        "Ещё 1 месяц сравнивать рано."
    )


def test_cohorts_that_differ():
    more = tell_cohorts(make_cohorts((0.1, 0.2, 0.3), 0.05, p=(0.01, 0.01)), EN)
    assert "do not overlap: more buy than at first." in more
    fewer = tell_cohorts(make_cohorts((0.3, 0.2, 0.1), 0.05, p=(0.01, 0.01)), RU)
    assert "покупают реже, чем вначале" in fewer
    assert "no change beyond chance" in tell_cohorts(make_cohorts((0.1, 0.2, 0.3), 0.05), EN)
    bump = spaced(tell_cohorts(make_cohorts((0.2, 0.5, 0.21), 0.05, p=(0.01, 0.01)), EN))
    assert "no change beyond chance" in bump
    assert (
        "The best month (February 2025, 50.0%) and the worst (January 2025, 20.0%) differ by more"
        in bump
    )
    flat = tell_cohorts(make_cohorts(), RU)
    assert "Даже лучший месяц (март 2025" in flat and "бывает случайно" in flat
    for p in ((0.01, 0.2), (0.2, 0.01)):  # both tests are needed
        assert "no more than chance" in tell_cohorts(make_cohorts(p=p), EN)
    untested = make_cohorts(p=(np.nan, np.nan))
    assert "best" not in tell_cohorts(untested, EN)


def test_few_mature_months():
    assert "can be compared yet" in tell_cohorts(make_cohorts(n_young=3), EN)
    one = spaced(tell_cohorts(make_cohorts(n_young=2), EN))
    assert one.startswith("Only January 2025 can be compared yet: 20.0% bought within 21 days")
    assert one.endswith("2 months are too young to compare.")
    assert tell_cohorts(make_cohorts(n_entered=9), EN).endswith(SMALL)


def test_months_are_written_out():
    assert RU.period("2025-12") == "декабрь 2025" and EN.period("all") == "all"


def test_standing_names_the_step_and_its_base():
    # 2 + 7 of 9 + 12 + 3; three before a step that only four took
    assert tell_standing(make_standing(), EN) == (
        "Open leads are stuck most often before “Read”: 7 of 12 have waited longer than usual "
        "(nine in ten took it within 14 days). In all, 9 of 24 open leads are stuck. For 3 it "
        "cannot be said: fewer than 10 leads took their next step."
    )
    assert tell_standing(make_standing(), RU) == (
        "Чаще всего лиды в работе застревают перед шагом «Прочитал»: 7 из 12 ждут дольше обычного "
        "(девять из десяти успевали за 14 дней). Всего застряли 9 из 24. О 3 судить "
        "нельзя: их следующий шаг сделали меньше 10."
    )


def test_nobody_stands_still_or_nobody_can_tell():
    assert tell_standing(make_standing(n_open=0.0), EN) == "There are no open leads."
    fine = tell_standing(make_standing(n_standing=0.0), EN)
    assert fine.startswith("No open lead has waited longer") and "cannot be said" not in fine
    dark = tell_standing(make_standing(n_standing=np.nan), EN)
    assert dark.startswith("For 24 it cannot be said") and "waited" not in dark


def test_standing_of_all_leads_is_told_where_there_are_segments():
    table = pd.concat([make_standing(segment="s1", n_standing=1.0), make_standing()])
    assert tell_standing(table, RU) == tell_standing(make_standing(), RU)


def test_effort_is_above_the_money_only_where_intervals_part():
    def judge(segments):
        return judge_effort(make_ranges(segments))[["segment", "effort"]].dropna().values.tolist()

    assert judge(SHARES | {"all": SHARES["s1"]}) == [["s1", "below"]] * 2 + [["s2", "above"]] * 2
    near = {"s1": {"share_of_actions": (0.7, 0.6, 0.8), "share_of_amount": (0.6, 0.5, 0.7)}}
    assert judge(near) == [["s1", "even"]] * 2
    dark = {"s1": {"share_of_actions": (0.7, 0.6, 0.8), "share_of_amount": (0.6,) + (np.nan,) * 2}}
    assert judge(dark) == [["s1", "unsure"]] * 2
    assert not judge({"s1": {"share_of_actions": (0.7, 0.6, 0.8)}} | PER_ACTION)


def test_value_names_most_least_and_effort_above_the_money():
    ranges = pd.concat([make_ranges(PER_ACTION), make_ranges(SHARES)])
    assert spaced(tell_ranges(make_value(), ranges, NAMES, EN)) == (
        "Per manager’s action, “Path with ‘Read’” brings most (€600, 95% interval 500–700) and "
        "“Path without ‘Read’” least (€200, 95% interval 150–250). These segments take a larger "
        "share of effort than of revenue, beyond chance: “Path without ‘Read’” (70.0% of the "
        "actions, 40.0% of the revenue)."
    )
    assert spaced(tell_ranges(make_value(), ranges, NAMES, RU)) == (
        "За одно действие менеджера больше всего приносит сегмент «Путь с шагом „Прочитал“» (600 "
        "€, диапазон 95 %: 500–700), меньше всего — сегмент «Путь без шага „Прочитал“» (200 €, "
        "диапазон 95 %: 150–250). Усилий уходит больше, чем приходит денег, и это не случайность: "
        "сегмент «Путь без шага „Прочитал“» (70,0 % действий, 40,0 % денег)."
    )


def test_differences_within_chance_are_called_so():
    wide = {s: {m: (v, v - 300, v + 300) for m, (v, *_) in ms.items()}
            for s, ms in PER_ACTION.items()}  # fmt: skip
    even = {s: dict.fromkeys(ms, (0.5, 0.4, 0.6)) for s, ms in SHARES.items()}
    ranges = pd.concat([make_ranges(wide), make_ranges(even)])
    told = tell_ranges(make_value(), ranges, NAMES, EN)
    assert "This difference is within chance. Effort and revenue are in balance" in told


def test_too_few_buyers_have_no_intervals():
    ranges = pd.concat([make_ranges(PER_ACTION), make_ranges(SHARES)]).assign(
        low=np.nan, high=np.nan
    )
    told = tell_ranges(make_value(), ranges, NAMES, EN)
    assert "(€600, too few buyers for an interval)" in told
    assert "This difference is within chance." in told and "too few buyers to say where" in told


def test_without_amounts_deals_are_told_and_without_actions_leads():
    deals = {"s1": {"mature_actions_per_won": (12, 9, 14)},
             "s2": {"mature_actions_per_won": (4.25, 3, 5)}}  # fmt: skip
    dark = {s: {"amount_per_mature_lead": (np.nan,) * 3} for s in deals}
    ranges = pd.concat([make_ranges(dark), make_ranges(deals)])
    told = spaced(tell_ranges(make_value(), ranges, NAMES, EN))
    assert told.startswith("Amounts are unknown, so deals are counted instead of money")
    assert "fewest managers’ actions in “Path without ‘Read’” (4.2," in told
    assert "Суммы неизвестны" in tell_ranges(make_value(), ranges, NAMES, RU)
    leads = make_ranges({"s1": {"amount_per_mature_lead": (50, 40, 60)},
                         "s2": {"amount_per_mature_lead": (20, 15, 25)}})  # fmt: skip
    told = tell_ranges(make_value(), leads, NAMES, EN)
    assert told.startswith("The log has no managers’ actions, so money is given per lead")
    assert "“Path with ‘Read’” brings most (€50" in told
    none = make_ranges({"s1": {"amount_per_mature_lead": (np.nan,) * 3}})
    assert tell_ranges(make_value(), none, NAMES, EN).startswith("Neither amounts nor")


def test_currencies_are_told_apart():
    ranges = pd.concat([make_ranges(PER_ACTION), make_ranges(PER_ACTION, "USD")])
    told = tell_ranges(make_value(("EUR", "USD")), ranges, NAMES, EN)
    assert told.startswith("EUR: Per manager’s action") and " USD: Per manager’s" in told
    assert "€600" in told and "$600" in told
    bare = pd.concat([make_ranges(PER_ACTION, ""), make_ranges(PER_ACTION)])
    told = tell_ranges(make_value(("", "EUR")), bare, NAMES, RU)
    assert told.startswith("Без валюты: За одно действие")


def test_one_segment_tells_its_money_by_lead_and_action():
    value, names = make_value(segments=()), pd.DataFrame({"segment": ["all"], "name": ["all"]})
    money = {"amount_per_mature_lead": (50, 40, 60), "amount_per_mature_action": (20, 15, 25)}
    told = spaced(tell_ranges(value, make_ranges({"all": money}), names, EN))
    assert told == (
        "A lead brings €50 (95% interval 40–60), a manager’s action €20 (95% interval 15–25)."
    )
    lead = make_ranges({"all": {"amount_per_mature_lead": (50, np.nan, np.nan)}})
    assert spaced(tell_ranges(value, lead, names, RU)) == (
        "Один лид приносит 50 € (для диапазона слишком мало купивших); действий менеджеров в "
        "журнале нет."
    )
    deals = make_ranges({"all": {"mature_actions_per_won": (12.34, 9, 14)}})
    assert "12.3 managers’ actions per won deal (95" in tell_ranges(value, deals, names, EN)
    assert tell_ranges(value.assign(n_leads=9.0), deals, names, EN).endswith(SMALL)


def test_repeats_in_both_languages():
    assert spaced(tell_repeats(make_repeats(), EN)) == (
        "Bought again within 180 days of the first purchase: 20.0% of 50 buyers (95% interval "
        "11.0–33.0%; 10 so far). Their later deals have brought €9,000 so far. Half of those who "
        "buy again do so within 40 days."
    )
    assert spaced(tell_repeats(make_repeats(n_won=51.0), RU)) == (
        "Купили ещё раз за 180 дней после первой покупки: 20,0 % из 51 купившего (диапазон 95 %: "
        "11,0–33,0 %; пока 10). Их следующие сделки уже принесли 9 000 €. Половина тех, кто "
        "покупает снова, делает это за 40 дней."
    )


def test_repeats_without_money_or_none_at_all():
    for unknown in (np.nan, 0.0):
        assert "€" not in tell_repeats(make_repeats(amount_again=unknown), EN)
    none = make_repeats(n_again=0.0, amount_again=0.0, median_days_to_again=np.nan)
    assert tell_repeats(none, EN) == "None of 50 buyers has bought again so far."
    assert tell_repeats(none, RU) == "Ещё раз пока не купил никто из 50 купивших."
    few = tell_repeats(make_repeats(n_won=20.0), EN)
    assert few.endswith(SMALL)
    one = make_repeats(n_won=1.0, n_again=1.0, share=1.0)
    assert tell_repeats(one, EN) == "Bought again so far: 1 of 1 buyer, too few for a share."
    young = make_repeats(horizon_days=20.0)
    assert "too few have been followed for so long" in tell_repeats(young, EN)
    assert "followed" not in tell_repeats(young, EN, horizon=20)
    dark = make_repeats(n_again=np.nan, share=np.nan)
    assert tell_repeats(dark, EN).startswith("Who bought again cannot be said")


def test_repeats_of_several_currencies_are_told_apart():
    table = pd.concat([make_repeats(), make_repeats(currency="USD", n_again=0.0)])
    told = tell_repeats(table, EN)
    assert told.startswith("EUR: Bought again within 180 days") and "USD: None of 50 buyers" in told
    none = table.assign(n_again=0.0)
    assert tell_repeats(none, EN) == "None of 100 buyers has bought again so far."


@BOTH
def test_empty_tables(words):
    nobody = words.text("sentence.nobody")
    assert tell_times(make_time_to().head(0), words) == nobody
    assert tell_times(make_time_to(n_entered=np.nan), words) == nobody
    assert tell_cohorts(make_cohorts().head(0), words) == nobody
    assert tell_standing(make_standing().head(0), words) == words.text("sentence.open_none")
    ranges = make_ranges(PER_ACTION)
    assert tell_ranges(make_value().head(0), ranges.head(0), NAMES, words) == nobody
    assert tell_ranges(make_value(n_leads=0.0), ranges, NAMES, words) == nobody
    for less in (make_repeats().head(0), make_repeats(n_won=0.0, n_again=0.0)):
        assert tell_repeats(less, words) == words.text("sentence.after_sale_nobody")


@BOTH
def test_tables_are_left_as_they_were(words):
    tables = [make_time_to(), make_cohorts(), make_standing(), make_repeats()]
    copies = [table.copy() for table in tables]
    for tell, table in zip((tell_times, tell_cohorts, tell_standing, tell_repeats), tables,
                           strict=True):  # fmt: skip
        tell(table, words)
    for table, copy in zip(tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)
