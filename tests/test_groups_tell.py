"""Sentences about comparisons: what they say in each case, in both languages."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.words import Words
from funnel_lib.sections.groups.count import compare_groups, split_change
from funnel_lib.sections.groups.draw import plot_groups
from funnel_lib.sections.groups.tell import (
    plan_review,
    tell_change,
    tell_comparison,
    tell_groups,
    tell_worst,
)
from funnel_lib.sections.hypotheses.readings import count_trend, read_before_after, read_split
from funnel_lib.sections.hypotheses.tell_readings import tell_before_after, tell_split

EN, RU = Words("en", {"pay": "Paid"}), Words("ru", {"pay": "Оплатил"})


def groups_of(*p_holm, **more):
    k = len(p_holm)
    table = {"step": "pay", "column": "manager", "value": [f"m{n}" for n in range(k)],
             "against": "", "share": 0.6, "share_rest": 0.3, "difference": 0.3, "low": 0.2,
             "high": 0.4, "p": p_holm, "p_holm": p_holm, "is_small": False}  # fmt: skip
    return pd.DataFrame(table | more)


def change_of(**more):
    row = {"column": "quarter", "before": "2025-Q1", "after": "2025-Q2",
           "n_before": 400.0, "n_after": 500.0, "share_won_before": 0.3,
           "share_won_after": 0.2, "difference": -0.1, "low": -0.16,
           "high": -0.04, "mix": -0.08, "rate": -0.02, "mix_low": -0.12, "mix_high": -0.05,
           "rate_low": -0.05, "rate_high": 0.01}  # fmt: skip
    return pd.DataFrame([row | more])


def split_of(**more):
    row = {"test": "new", "control": "old", "measure": "pay", "horizon_days": np.nan,
           "n_test": 200.0, "n_control": 210.0, "share_test": 0.4, "share_control": 0.3,
           "difference": 0.1, "low": 0.01, "high": 0.19, "share_of_plan": 1.0, "is_early": False,
           "looked_before": False, "valid_low": 0.01, "valid_high": 0.19,
           "is_small": False}  # fmt: skip
    return pd.DataFrame([row | more])


def reading_of(**more):
    row = {"measure": "pay", "changed_at": pd.Timestamp("2025-03-01", tz="UTC"), "n_before": 300.0,
           "n_after": 280.0, "share_before": 0.3, "share_after": 0.4, "difference": 0.1,
           "low": 0.02, "high": 0.18, "is_small": False}  # fmt: skip
    return pd.DataFrame([row | more])


def months_of(k):
    return pd.DataFrame({"month": [f"m{n}" for n in range(k)], "n_base": 50.0, "share": 0.3})


# --- groups ----------------------------------------------------------------------------------


def test_groups_that_differ_come_by_their_p_and_the_rest_is_counted():
    told = tell_comparison(groups_of(0.04, 0.001, 0.2, 0.02, 0.03), EN)
    assert told.index("m1") < told.index("m3") < told.index("m4") < told.index("and 1 more")
    assert "“m0”" not in told and "“m2”" not in told and "corrected for 5 comparisons" in told
    assert "need not be their merit" in told


def test_no_difference_is_no_likeness():
    told = tell_comparison(groups_of(0.3, np.nan, is_small=[False, True]), EN)
    assert "no difference beyond chance in 1 comparison; that does not show" in told
    assert told.endswith("Comparisons with few leads: 1 of 2; these are hints.")
    told = tell_comparison(groups_of(0.3, np.nan, is_small=[False, True]), RU)
    assert told.startswith("Менеджер: различий сверх случайных не видно (сравнений: 1)")


@pytest.mark.parametrize(
    ("column", "named"), [("loss_reason", "Loss reason in the CRM:"), ("campaign 5", "campaign 5:")]
)
def test_columns_go_by_their_titles_and_those_of_the_export_as_they_are_written(column, named):
    assert tell_comparison(groups_of(0.3, column=column), EN).startswith(named)


def test_nothing_to_compare_and_too_few_are_told_apart():
    assert "only one group" in tell_comparison(groups_of()[:0], EN)
    assert "too few leads in every group" in tell_comparison(groups_of(np.nan), EN)


def test_two_groups_and_leads_without_a_value_are_named():
    told = tell_comparison(groups_of(0.01, value=[""], against="Boris", column="month"), EN)
    assert told.startswith("Month of entry: a difference beyond chance in 1 comparison: “no value”")
    assert "against 30.0% of “Boris”" in told
    told = tell_comparison(groups_of(0.01, against="Борис", column="quarter"), RU)
    assert told.startswith("Квартал обращения: ") and "30,0\xa0% у группы «Борис»" in told
    assert "«Оплатил»" in told and "разница +30,0\xa0п.\xa0п." in told


# --- the figure ------------------------------------------------------------------------------


def drawn_of(n, **more):
    """Managers of whose leads 20 % bought, and 25 % would have."""
    table = {"group_by": "manager", "group": [f"m{k}" for k in range(n)], "n_decided": 100.0,
             "share_won": 0.2, "low": 0.14, "high": 0.29, "share_as_others": 0.25,
             "extra_won": 5.0, "barred": False, "beyond_chance": False}  # fmt: skip
    return pd.DataFrame(table | more)


def test_a_group_that_is_worse_differs_in_form_too():
    ax = plot_groups(drawn_of(3, beyond_chance=[False, True, False]), EN)
    marks = [n.get_marker() for n in ax.lines if n.get_transform() == ax.transData]
    assert marks.count("v") == 1 and marks.count("o") == 2 + 3  # the rings are the others'
    texts = [t.get_text() for t in ax.texts]
    assert "worse than the others, beyond chance" in texts and "20.0% of 100" in texts
    assert "worse" not in " ".join(t.get_text() for t in plot_groups(drawn_of(3), EN).texts)


def test_a_source_is_its_leads_and_nobody_is_to_blame():
    table = drawn_of(3, beyond_chance=[False, True, False], months=12.0, extra_amount=np.nan,
                     extra_low=1.0, extra_high=9.0, share_asked=0.5, currency="",
                     p_without_best=0.01)  # fmt: skip
    assert "similar leads" in tell_worst(table, EN) and plan_review(table, EN).gain
    sources = table.assign(group_by="source")
    assert tell_worst(sources, EN) == (
        "Source m1: fewer of these leads buy than of similar ones from elsewhere, 20.0% against "
        "25.0%."
    )
    assert plan_review(sources, EN) is None and "виноватых" in tell_groups(sources, RU)


def test_two_groups_of_which_none_is_worse_are_a_sentence():
    assert plot_groups(drawn_of(2), EN) is None and plot_groups(drawn_of(0), EN) is None
    assert plot_groups(drawn_of(2, beyond_chance=[True, False]), EN) is not None
    barred = drawn_of(2, beyond_chance=[True, False], barred=[True, False])
    assert plot_groups(barred, EN) is None


# --- a change --------------------------------------------------------------------------------


def test_a_change_is_told_with_its_parts_and_signs():
    told = tell_change(pd.concat([change_of()] * 3), RU)
    assert "была 30,0\xa0% (1-й квартал 2025, лидов: 400), стала 20,0\xa0%" in told
    assert "−10,0\xa0п.\xa0п., диапазон 95\xa0%: от −16,0 до −4,0\xa0п.\xa0п." in told
    assert "−8,0\xa0п.\xa0п. (от −12,0 до −5,0\xa0п.\xa0п.) — потому что изменились размеры" in told
    assert "включает ноль" not in told


def test_an_uncertain_change_one_segment_and_nobody():
    told = tell_change(change_of(low=-0.2, high=0.01), EN)
    assert "includes zero" in told and told.endswith("more or fewer buyers within it.")
    assert "No closed leads on one of the two sides" in tell_change(
        change_of(difference=np.nan), EN
    )
    assert "−0" not in tell_change(change_of(difference=-0.0001), EN)


# --- a test ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "there", "not_there"),
    [
        ({}, ["excludes zero: “new” does better"], ["read early", "looked at", "hint"]),
        ({"difference": -0.1, "valid_low": -0.19, "valid_high": -0.01}, ["“new” does worse"], []),
        ({"valid_low": -0.01}, ["no difference is shown, which does not show"], ["go on until"]),
        ({"is_early": True, "share_of_plan": 0.5, "valid_low": -0.1, "valid_high": 0.3},
         ["early, at 50.0% of the plan", "from −10.0 to +30.0 points. This interval includes zero",
          "go on until the plan is full"], ["better"]),
        ({"is_early": True, "share_of_plan": 0.5}, ["read early", "does better"], ["go on until"]),
        ({"looked_before": True}, ["The results were looked at before. The interval"], ["early"]),
        ({"looked_before": True, "valid_low": np.nan, "share_of_plan": np.nan},
         ["no number of leads was planned"], ["This interval"]),
        ({"measure": "won_within", "horizon_days": 30.0}, ["Bought by the end of day 30:"], ["We"]),
        ({"is_small": True}, ["Few leads: read it as a hint."], []),
        ({"difference": np.nan}, ["nothing can be said"], ["%"]),
    ],
)  # fmt: skip
def test_what_a_test_shows(more, there, not_there):
    told = tell_split(split_of(**more), EN)
    assert all(part in told for part in there), told
    assert not any(part in told for part in not_there), told


def test_a_test_read_early_word_by_word():
    told = tell_split(
        split_of(is_early=True, share_of_plan=0.5, valid_low=-0.05, valid_high=0.25), EN
    )
    assert told == (
        "Went on at “Paid”: “new” 40.0% of 200, “old” 30.0% of 210; difference +10.0 percentage "
        "points, 95% interval from +1.0 to +19.0 points. The test is read early, at 50.0% of the "
        "plan. The interval that allows for looking early: from −5.0 to +25.0 points. This "
        "interval includes zero: nothing is decided; go on until the plan is full."
    )


def test_a_test_read_early_in_russian():
    told = tell_split(split_of(is_early=True, share_of_plan=0.5, valid_low=-0.1), RU)
    assert told.startswith("Сделали шаг «Оплатил»: «new» — 40,0\xa0% (лидов: 200)")
    assert "набрано 50,0\xa0% плана" in told and "продолжайте до конца плана" in told


# --- before and after ------------------------------------------------------------------------


def test_before_and_after_is_never_told_as_a_proof():
    for words, part in ((EN, "This is no experiment"), (RU, "Это не эксперимент")):
        assert part in tell_before_after(reading_of(), months_of(3), words)
        assert part in tell_before_after(reading_of(low=-0.1), months_of(0), words)
    told = tell_before_after(reading_of(low=-0.1, is_small=True), months_of(14), EN)
    assert "before 1 Mar 2025 30.0% of 300" in told and "includes zero" in told
    assert "m1 " not in told and "m2 30.0% of 50" in told and "m13" in told and "hint" in told
    told = tell_before_after(reading_of(), months_of(0), EN)
    assert "By month" not in told and "excludes zero" in told
    one = months_of(1).assign(month="2025-02", n_base=150.0)
    assert tell_before_after(reading_of(), one, EN) == (
        "“Paid”: before 1 Mar 2025 30.0% of 300 went on, since then 40.0% of 280; difference "
        "+10.0 percentage points, 95% interval from +2.0 to +18.0 points. This interval "
        "excludes zero: chance alone would hardly do that. This is no experiment: all else that "
        "changed at the time is in it, too. By month of entry: February 2025 30.0% of 150. See "
        "whether the change shows there, or had begun before."
    )
    assert "nothing to compare" in tell_before_after(
        reading_of(difference=np.nan), months_of(1), EN
    )


# --- from the tables themselves --------------------------------------------------------------


@pytest.mark.parametrize("words", [EN, RU])
def test_sentences_of_real_tables_have_no_empty_places(planted_journeys, words):
    journeys = planted_journeys
    step = journeys.steps.won
    days = journeys.leads["entered_at"]
    first, *_, last = sorted(days.dropna().dt.strftime("%Y-%m").unique())
    test, control = sorted(journeys.leads["manager"].dropna().unique())[:2]
    told = [
        tell_comparison(compare_groups(journeys, "manager"), words),
        tell_change(split_change(journeys, None, "month", first, last, "30D"), words),
        tell_split(read_split(journeys, "manager", test, control, horizon=20), words),
        tell_split(read_split(journeys, "manager", test, control, step, n_planned=900), words),
        tell_before_after(
            read_before_after(journeys, step, days.median(), "20D"),
            count_trend(journeys, step, "20D"),
            words,
        ),
    ]
    for text in told:
        assert len(text) > 60 and "nan" not in text and "{" not in text and ".." not in text, text
