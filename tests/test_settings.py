"""Settings: one definition for the command, the library, the notebook and the manifest."""

import inspect
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import typer

import funnel_lib as fl
from funnel_lib.audit import check_inputs
from funnel_lib.cli import app
from funnel_lib.core.errors import InputError
from funnel_lib.core.times import read_window
from funnel_lib.core.words import Words
from funnel_lib.settings import Settings, collect_settings


def test_nothing_given_paths_and_one_for_several_are_understood(tmp_path):
    settings = Settings(events=tmp_path, leads=None, segments=3, only="a=b", formats="xlsx")
    assert settings.events == (str(tmp_path),) and settings.leads == ""
    assert (settings.segments, settings.only, settings.formats) == ("3", ("a=b",), ("xlsx",))
    assert settings.list_inputs() == [str(tmp_path)]


def test_wrong_names_and_kinds_are_told_together():
    with pytest.raises(InputError) as error:
        Settings(events="e.csv", sed=1, seed="many", pace="perhaps")
    told = "\n".join(error.value.problems)
    assert "no setting 'sed'; did you mean seed" in told
    assert "seed: 'many' does not fit" in told and "pace: 'perhaps' does not fit" in told
    assert len(error.value.problems) == 3


@pytest.mark.parametrize("name", [n for n in Settings.model_fields if n != "events"])
def test_none_and_an_empty_text_stand_for_not_given(name):
    default = getattr(Settings(events="e.csv"), name)
    assert getattr(Settings(events="e.csv", **{name: None}), name) == default
    empty = () if name == "formats" else default
    assert getattr(Settings(events="e.csv", **{name: ""}), name) == empty


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"observed_until": 5.0}, {"only": {"a": "b"}}])
def test_a_wrong_value_is_shown_as_it_was_given(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError) as error:
        Settings(events="e.csv", **wrong)
    assert str(error.value).startswith(f"{name}: {value!r} does not fit")


def test_a_frame_stands_for_a_file():
    with pytest.raises(InputError, match=r"^events: "):
        fl.build_audit(pd.DataFrame({"lead_id": ["a"]}))
    assert Settings(events=(f for f in ["a.csv", "b.csv"])).events == ("a.csv", "b.csv")


@pytest.mark.parametrize("events", [None, "", [], [""]])
def test_no_events_at_all_are_told(events):
    with pytest.raises(InputError, match=r"^events: is missing; give Table files"):
        fl.build_audit(events, steps="steps.yml")
    assert Settings(events=["a.csv", ""], only=("", "a=b")).events == ("a.csv",)


def test_nothing_beside_a_settings_is_dropped():
    with pytest.raises(InputError, match="only, lang: given beside a Settings"):
        fl.build_audit(Settings(events="e.csv"), only="team=north", lang="ru")


def test_the_command_offers_every_setting_with_its_meaning():
    command = typer.main.get_command(app).commands["audit"]
    offered = {option.name: option for option in command.params}
    for name, field in Settings.model_fields.items():
        assert offered[name].help == field.description, name
    assert offered.keys() - Settings.model_fields.keys() == {"no_report"}
    assert "--reference" in offered["references"].opts


def test_build_audit_shows_every_setting_and_refuses_others():
    assert inspect.signature(fl.build_audit).parameters.keys() == Settings.model_fields.keys()
    with pytest.raises(InputError, match="no setting 'step'; did you mean steps"):
        fl.build_audit("events.csv", step="steps.yml")


def test_inputs_are_checked_without_reading_a_table(planted_folder, monkeypatch):
    monkeypatch.setattr("funnel_lib.audit.read_export", None)  # a call would fail
    given = Settings(events=planted_folder / "events.csv", steps=planted_folder / "steps.yml")
    inputs = check_inputs(given.model_copy(update={"references": ("invoice_paid=0.5",)}))
    assert inputs.references == {"invoice_paid": 0.5} and inputs.steps.won == "invoice_paid"


@pytest.mark.parametrize("wrong", [{"lang": "de"}, {"formats": "docx"}, {"out": "x.csv/out"}])
def test_what_is_wrong_with_a_report_never_costs_an_audit(
    wrong, planted_folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").touch()
    monkeypatch.setattr("funnel_lib.audit.build_journeys", None)  # a call would fail
    given = {"events": planted_folder / "events.csv", "steps": planted_folder / "steps.yml"}
    with pytest.raises(InputError) as error:
        fl.build_audit(**given, **wrong)
    assert len(error.value.problems) == 1


def test_what_a_notebook_sets_is_collected_and_what_is_misspelt_is_refused():
    space = {"events": "e.csv", "steps": "s.yml", "rule": "any", "pd": pd, "In": [], "_": 3}
    assert collect_settings(space) == Settings(events="e.csv", steps="s.yml", rule="any")
    # set later, it is the notebook's own
    space |= {"columns": ["step"], "step": "paid", "lang": "ru"}
    assert collect_settings(space) == Settings(events="e.csv", steps="s.yml", rule="any", lang="ru")
    with pytest.raises(InputError, match=r"no parameter 'rul'; did you mean rule\? \(corrected"):
        collect_settings(space | {"rul": "any"})
    space = {"evnts": "e.csv", "rul": "any"}
    with pytest.raises(InputError) as error:
        collect_settings(space)
    assert [p.split(" (")[0] for p in error.value.problems] == [
        "no parameter 'evnts'; did you mean events or segments or notes?",
        "no parameter 'rul'; did you mean rule?",
    ]
    del space["evnts"], space["rul"]
    assert collect_settings(space | {"events": "e.csv"}).events == ("e.csv",)


def test_a_setting_of_another_kind_is_taken_or_refused_but_never_passed_over(tmp_path):
    space = {"events": tmp_path / "e.csv", "observed_until": pd.Timestamp("2025-06-01")}
    found = collect_settings(
        space | {"within": pd.Timedelta("60D"), "entered_to": date(2025, 5, 1)}
    )
    assert found.events == (str(tmp_path / "e.csv"),)
    assert (found.observed_until, found.entered_to) == ("2025-06-01", "2025-05-01")
    assert read_window(found.within) == read_window("60D")
    leads = pd.DataFrame({"lead_id": ["a"]})
    assert collect_settings({"events": "e.csv", "leads": leads}).take_tables()[1] is leads
    with pytest.raises(InputError, match="events: is missing"):
        collect_settings({"leads": leads})
    with pytest.raises(InputError, match="does not fit"):
        collect_settings({"events": "e.csv", "steps": leads})


def test_without_files_a_notebook_reads_the_sample():
    for lang, folder in (("en", "sample"), ("ru", "sample_ru")):
        found = collect_settings({"events": "", "leads": "", "lang": lang})
        assert all(Path(p).is_file() for p in found.list_inputs()) and len(found.list_inputs()) == 3
        assert {Path(p).parent.name for p in found.list_inputs()} == {folder}


def test_the_settings_mean_the_same_in_the_notebook_and_the_command():
    for name, field in Settings.model_fields.items():
        assert Words("en").find(f"setting.{name}") == field.description


def test_a_notebook_shows_the_problems_and_no_traceback(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\n"
        'shell.run_cell(\'import funnel_lib as fl; fl.build_audit("no.csv", steps="no.yml")\')'
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    told = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert told == ["no.yml", "no.csv"], done.stdout
