"""The registry of tables: what it says is so of every table made, in both languages."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import funnel_lib as fl
from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.tables import (
    KINDS,
    REGISTRY,
    arrange,
    find_column,
    list_columns,
    read_tables,
    write_reference,
)
from funnel_lib.core.words import Words, label_table
from funnel_lib.drawing.html import show_table
from funnel_lib.reporting.outputs import write_tables
from funnel_lib.sections.hypotheses.plans import Plans
from funnel_lib.sections.quality.conclusions import describe_log

PACKAGE = Path(fl.__file__).parent
EN, RU = Words("en"), Words("ru")
# Promised to other programs: these columns, in this order, at the beginning of each file.
PROMISED = {
    "funnel": "segment position step n_entered n_reached n_unseen n_open share_of_entered "
    "share_of_previous low high",
    "funnel_rules": "segment position step rule n_reached",
    "segments": "segment name n_leads n_undetermined share_of_leads path stability trust "
    "share_won low high bound_low bound_high",
    "tree": "node parent segments step next_steps n_untold n_came n_went_on n_lost_not_asked "
    "n_lost_asked n_lost_unknown n_open",
    "memberships": "lead_id segment probability",
    "leads": "lead_id segment likely tree_segment probability status last_step missed_step asked "
    "stage stage_ahead amount currency",
    "losses": "segment missed_step n_lost n_asked n_not_asked n_unknown share_of_lost "
    "share_of_entered amount_lost currency",
    "necessity": "segment step n_won n_won_with_evidence share self_reported_share",
    "open_leads": "lead_id segment last_step next_step asked days_silent overdue stage manager "
    "amount currency",
    "times": "segment target day incidence low high n_at_risk",
    "value": "segment n_leads n_won amount_won amount_per_lead median_days_to_won "
    "manager_actions_per_lead amount_per_manager_action currency",
    "hypotheses": "segment step lever share_now share_reference reference extra_won extra_amount "
    "low high currency n_needed_per_arm days_needed",
    "stages": "stage kind step evidence n_deals",
    "stage_by_step": "stage missed_step n_lost n_open",
    "quality": "check n_rows share_of_rows severity example",
}
AUDITED = [name for name, table in read_tables().items() if table.in_audit]
EVERY_COLUMN = [(table, c) for table in read_tables().values() for c in table.columns]
# In no table: what pages, the terminal and sentences write beside them.
WRITTEN = {"whose", "call_it", "shown_by", "advice", "period"}


def audit_of(folder, out, segments, drop=()):
    """An audit of the planted files, some columns of the leads left out, one of their own added."""
    leads = pd.read_csv(folder / "leads.csv").drop(columns=[*drop])
    leads["arm"] = np.resize(["a", "b"], len(leads))
    leads.to_csv(out / "leads.csv", index=False)
    return build_audit(str(folder / "events.csv"), leads=str(out / "leads.csv"),
                       steps=str(folder / "steps.yml"), segments=segments)  # fmt: skip


@pytest.fixture(scope="module")
def audit(planted_folder, tmp_path_factory):
    return audit_of(planted_folder, tmp_path_factory.mktemp("found"), "2")


def check_tables(tables):
    assert tables.keys() == {*AUDITED}
    for name, table in tables.items():
        assert sorted(set(table) - set(list_columns(name))) == (
            ["arm"] if name == "leads" else []
        ), name
        assert arrange(name, table).columns.tolist()[: len(list_columns(name))] == list_columns(
            name
        )


def test_an_audit_makes_the_tables_of_the_registry(audit):
    check_tables(audit.tables)


@pytest.mark.parametrize("drop", [(), ("amount", "currency"), ("manager", "stage", "loss_reason")],
                         ids=["one segment", "no amounts", "bare"])  # fmt: skip
def test_an_audit_makes_them_whatever_the_data_lack(drop, planted_folder, tmp_path):
    have = pd.read_csv(planted_folder / "leads.csv", nrows=1)
    tables = audit_of(planted_folder, tmp_path, "none", [c for c in drop if c in have]).tables
    check_tables(tables)
    write_tables(tables, tmp_path)
    for name in AUDITED:
        written = pd.read_csv(tmp_path / f"{name}.csv", nrows=0).columns.tolist()
        assert written == list_columns(name) + ["arm"] * (name == "leads")


def test_promised_columns_come_first_and_in_their_order():
    for name, columns in PROMISED.items():
        assert list_columns(name)[: len(columns.split())] == columns.split(), name


def test_frames_beside_an_audit_are_registered(audit):
    journeys, found = audit.journeys, audit.segmentation
    stages = fl.audit_stages(["КП отправлено", "Closed lost"])
    step, until = journeys.steps.won, "2025-06-01"
    frames = {
        "new_funnel": fl.count.build_blueprint(audit.tables, audit.steps, EN),
        "stage_audit": stages,
        "workshop_sheet": fl.count.build_sheet(stages),
        "group_comparison": fl.count.compare_groups(journeys, "manager", found),
        "change": fl.count.split_change(journeys, found, "arm", "a", "b"),
        "split_reading": fl.count.read_split(journeys, "arm", "a", "b", step=step),
        "before_after": fl.count.read_before_after(journeys, step, until, "30D"),
        "trend": fl.count.count_trend(journeys, step, "30D"),
        "ways": fl.count.compare_ways(journeys, 30),
        "plans": fl.list_plans(Plans()),
        "sequences": fl.count.list_sequences(journeys),
        "segment_trust": fl.count.measure_trust(audit.segmentation, journeys, n_null=1).segments,
        "likeness": fl.count.measure_likeness(journeys, audit.segmentation),
        **{f"log_{name}": table for name, table in describe_log(audit.log).items()},
    }
    assert frames.keys() == read_tables().keys() - {*AUDITED}
    for name, frame in frames.items():
        assert frame.columns.tolist() == list_columns(name), name


def test_every_column_says_what_it_is():
    for table, column in EVERY_COLUMN:
        where, names = (table.name, column.name), list_columns(table.name)
        assert column.kind in KINDS and column.meaning, where
        assert len(names) == len({*names}), table.name
        whole = column.base in names if column.base else bool(column.of)
        assert whole or column.kind not in ("share", "points"), where
        assert column.kind in ("share", "points") or not column.of, where
        assert not column.base or column.base in names, where
        assert not (column.base and column.of), where
        assert column.if_empty != "not_measurable" or column.base, where


def test_every_kind_is_used():
    assert {column.kind for _, column in EVERY_COLUMN} == {*KINDS}


def test_what_means_the_same_everywhere_is_somewhere():
    shared = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["columns"]
    assert {*shared} - {column.name for _, column in EVERY_COLUMN} == WRITTEN


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_every_column_has_a_title_and_every_title_a_column(lang):
    texts = yaml.safe_load((PACKAGE / "locale" / f"{lang}.yml").read_text(encoding="utf-8"))
    titles = [c.title for _, c in EVERY_COLUMN] + [find_column(name).title for name in WRITTEN]
    assert {*titles} == {*texts["column"]}
    for _, column in EVERY_COLUMN:
        assert column.kind != "word" or column.words in texts, column.name


def test_every_table_names_the_function_that_makes_it():
    code = "".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.py"))
    made = {table.made_by for table in read_tables().values()}
    assert not [name for name in made if not re.search(rf"^def {name}\(", code, re.MULTILINE)]


def test_the_reference_page_is_up_to_date(root):
    page = (root / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == write_reference(), "write it anew: python -m funnel_lib.core.tables"
    assert page.count("\n### ") == len(read_tables())


def test_the_wheel_takes_the_registry(root):
    builder = pytest.importorskip("hatchling.builders.wheel")
    files = builder.WheelBuilder(str(root)).recurse_included_files()
    assert "funnel_lib/core/tables.yml" in {f.distribution_path for f in files}


def test_a_frame_that_does_not_fit_is_a_bug():
    frame = pd.DataFrame({"stage": ["a"], "renamed": ["b"]})
    with pytest.raises(KeyError, match=r"stage_renames.*missing \['renamed_to'\].*\['renamed'\]"):
        arrange("stage_renames", frame)
    with pytest.raises(InputError, match=r"no table 'hypothesis'.*did you mean hypotheses"):
        label_table(frame, EN, "hypothesis")
    assert arrange("leads").columns.tolist() == list_columns("leads")


def test_a_column_is_written_as_in_its_table():
    assert EN.column("low") == EN.column("low", "hypotheses") == "from (95%)"
    assert EN.value("low", 0.5) == "50.0%" and EN.value("low", 0.5, "value_ranges") == "0.50"
    assert EN.value("name", "all") == "all leads" and EN.value("name", "all", "new_funnel") == "all"
    assert EN.value("p_holm", 0.0004) == "< 0.001" and EN.value("extra_won", 1.26) == "1.3"
    assert RU.value("target", "won") == "купили" and EN.value("median_days", None) == (
        EN.text("figure.not_reached")
    )
    assert EN.value("reference", "manager=Ann") == "manager Ann"
    assert EN.value("reference", "x=Ann") == "x=Ann"


def test_columns_of_the_export_are_left_as_they_are():
    leads = pd.DataFrame({"status": ["won"], "state": ["read"], "days": [2.25]})
    shown = label_table(leads, EN, "leads")
    assert shown.columns.tolist() == ["Outcome", "state", "days"]
    assert shown.to_numpy().tolist() == [["won", "read", "2.25"]]
    assert label_table(leads[["state"]], EN).columns.tolist() == ["State"]


def test_money_is_shown_with_its_currency_where_the_table_says_it_is_money():
    table = pd.DataFrame({"low": [1000.0], "high": [2000.0], "currency": ["EUR"]})
    assert "€1,000 to €2,000" in show_table(table, EN, ["low", "high"], name="hypotheses").html
    assert "100,000.0–200,000.0%" in show_table(table, EN, ["low", "high"]).html


def test_the_ends_of_an_interval_stand_in_one_column_of_a_page():
    table = pd.DataFrame({
        "difference": [0.25, np.nan], "low": [-0.05, np.nan], "high": [0.5, np.nan],
        "share_within_day": [0.5, 0.1], "share_within_day_low": 0.25, "share_within_day_high": 0.75,
    })  # fmt: skip
    html = show_table(table, EN, [*table], name="").html
    titles = re.findall(r"<th\b[^>]*>(.*?)</th>", html)
    assert titles == ["Difference", "95% interval", "Answered within a day", "day: 95% interval"]
    html = show_table(table, EN, ["difference", "low", "high"], name="asks").html
    assert re.findall(r"<td[^>]*>(.*?)</td>", html) == [
        "+25.0\xa0pp", "from −5.0 to +50.0 points", "—", "—"
    ]  # fmt: skip


def test_the_empty_share_of_a_step_is_told_by_columns_that_are_not_shown():
    table = pd.DataFrame({"step": ["a"], "n_entered": [9.0], "share_of_entered": [np.nan]})
    assert label_table(table, EN, columns=["step", "share_of_entered"]).iloc[0, 1] == (
        "not measurable"
    )
