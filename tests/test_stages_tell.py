"""Sentences and pictures of the pipeline, in both languages."""

import pandas as pd
import pytest
from matplotlib.colors import same_color

from funnel_lib.core.words import Words
from funnel_lib.drawing.looks import PALE_ACCENT, ROOM
from funnel_lib.sections.stages.count import check_pipeline, count_pipeline
from funnel_lib.sections.stages.draw import picture_pipeline, plot_pipeline
from funnel_lib.sections.stages.tell import tell_pipeline, tell_renamed, tell_stage_by_step

EN, RU = Words("en"), Words("ru", {"read": "Открыл КП"})


def test_the_stage_with_most_losses_is_told_by_the_steps_missing():
    table = pd.DataFrame({
        "stage": ["Sent", "New", "New", "New", "New"], "n_open": 1,
        "missed_step": ["pay", "ask", "need", "read", "pay"], "n_lost": [9, 1, 8, 7, 2],
    })  # fmt: skip
    told = tell_stage_by_step(table, RU)
    assert "«New» потеряно сделок: 18" in told
    assert told.index("«need» — 8 (44,4") < told.index("«Открыл КП» — 7 (38,9")
    assert "«ask»" not in told  # the three most frequent
    assert "No deal is lost" in tell_stage_by_step(table.assign(n_lost=0), EN)
    few = table.assign(n_lost=[30, 10, 0, 0, 0], stage="Sent")
    assert tell_stage_by_step(few, EN) == (
        "The CRM shows 40 deals lost at the stage “Sent”. What their clients did not do: “pay” 30 "
        "(75.0%), “ask” 10 (25.0%)."
    )


def test_a_pipeline_without_history_is_called_a_snapshot():
    checks = pd.DataFrame({"check": ["moved_back", "stage_ahead"], "n_deals": [0, 0],
                           "n_base": [0, 9], "share": [None, 0.0],
                           "low": 0.0, "high": 0.3})  # fmt: skip
    told = tell_pipeline(checks, pd.DataFrame({"story": ["snapshot"], "step": "New"}), RU)
    assert told.startswith("Ничто из проверенного") and "Истории этапов в выгрузке нет" in told
    history = pd.DataFrame({"story": ["stages"], "step": "New"})
    assert "history" not in tell_pipeline(checks, history, EN)
    ahead = checks.tail(1).assign(n_deals=20, n_base=80, share=0.25, low=0.17, high=0.36)
    many = pd.DataFrame({"story": "stages", "step": [*map(str, range(201)), "pay"] * 3})  # by rule
    assert "201 stages; so many are ordered by the place" in tell_pipeline(checks, many, EN)
    assert "Этапов 201" in tell_pipeline(checks, many, RU)
    assert "so many" not in tell_pipeline(checks, many[many["step"] != "7"], EN)
    assert tell_pipeline(ahead, history, EN) == (
        "In 20 of 80 deals not won, the stage is ahead of the client (25.0%, 95% interval "
        "17.0–36.0%)."
    )
    two = pd.concat([ahead, ahead.assign(check="moved_back", n_deals=1, n_base=21)])
    assert tell_pipeline(two, history, RU) == (
        "У 20 из 80 некупивших этап опережает клиента (25,0\xa0%, диапазон 95\xa0%: "
        "17,0–36,0\xa0%). У 1 из 21 сделки этап возвращали на прежний (25,0\xa0%, диапазон "
        "95\xa0%: 17,0–36,0\xa0%)."
    )


def test_stages_that_may_be_one_are_named():
    renames = pd.DataFrame({"stage": ["Talks"], "renamed_to": ["First talks"]})
    assert tell_renamed(renames, EN) == (
        "Perhaps renamed, and counted apart here: “Talks” to “First talks”. If so, give both the "
        "same step in the steps file."
    )
    assert tell_renamed(renames[:0], EN) == ""


def test_stages_stand_beside_the_steps_that_they_mean(planted_folder):
    from funnel_lib.audit import build_audit

    audit = build_audit(planted_folder / "events.csv", leads=planted_folder / "leads.csv",
                        steps=planted_folder / "steps.yml", segments="none")  # fmt: skip
    table, stages = count_pipeline(audit.log, audit.journeys), audit.tables["stages"]
    words = audit.words("ru")
    ax = plot_pipeline(table, stages, words)
    row = {t.get_text().replace("\n", " "): t.xy[1] for t in ax.texts if hasattr(t, "xy")}
    for stage, step in stages[["stage", "step"]].itertuples(index=False):
        assert row[stage] == row[words.step(step)], stage
    shares = table[table["rule"] == "passed"].set_index(["story", "step"])["share_of_entered"]
    said = [t.get_text() for t in ax.texts]
    assert {words.share(x) for x in shares} <= set(said)
    n = table.groupby("story")["n_entered"].first()
    assert n["stages"] == n["steps"] > 0
    alt = picture_pipeline(table, stages, words).alt
    assert alt.startswith("По этапам CRM до «First contact» дошли 100")
    assert picture_pipeline(table[:0], stages, EN) is plot_pipeline(table[:0], stages, EN) is None
    assert len(check_pipeline(audit.log, audit.journeys, audit.tables["leads"])) == 8


@pytest.mark.parametrize("sent", ["Sent", "Trade / EU / Sent"])
def test_what_a_stage_claims_above_the_client_is_marked(sent):
    """Of 10 deals 9 came to “Sent”, 5 opened what was sent; “Call” means no step; all are paid."""
    rows = [("stages", "Call", 10), ("stages", sent, 9), ("stages", "pay", 2),
            ("steps", "ask", 10), ("steps", "open", 5), ("steps", "pay", 2)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["story", "step", "n_reached"]).assign(
        rule="passed", n_entered=10, n_unseen=0, share_of_entered=lambda t: t["n_reached"] / 10
    )
    stages = pd.DataFrame({"stage": ["Call", sent], "step": [None, "open"]})
    words = Words("en", {"ask": "Asked", "open": "Opened it", "pay": "Paid"})
    ax = plot_pipeline(table, stages, words)
    marked = [p for p in ax.patches if same_color(p.get_facecolor(), PALE_ACCENT)]
    left, right = ROOM / 2 - 9, 0.4
    assert [(p.get_x(), p.get_width()) for p in marked] == [
        (pytest.approx(0.5 * left), pytest.approx(right * left))
    ]
    row = {t.get_text(): t.xy[1] for t in ax.texts if hasattr(t, "xy")}
    assert row["Call"] < row["Asked"] < row[sent] == row["Opened it"] < row["Paid"]
    assert picture_pipeline(table, stages, words).alt == (
        f"By the CRM’s stages 90% of 10 deals came to “{sent}”, by what the client did 50% to "
        "“Opened it”."
    )
