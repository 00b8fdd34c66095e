"""Settings: one definition for the command, the library, the notebook and the manifest."""

import inspect
import subprocess
import sys

import pytest
import typer

import funnel_lib as fl
from funnel_lib.audit import check_inputs
from funnel_lib.cli import app
from funnel_lib.core.errors import InputError
from funnel_lib.settings import Settings, read_settings


def test_nothing_given_paths_and_one_for_several_are_understood(tmp_path):
    settings = read_settings(events=tmp_path, leads=None, segments=3, only="a=b", formats="xlsx")
    assert settings.events == (str(tmp_path),) and settings.leads == ""
    assert (settings.segments, settings.only, settings.formats) == ("3", ("a=b",), ("xlsx",))
    assert settings.list_inputs() == [str(tmp_path)]


def test_wrong_names_and_kinds_are_told_together():
    with pytest.raises(InputError) as error:
        read_settings(events="e.csv", sed=1, seed="many", pace="perhaps")
    told = "\n".join(error.value.problems)
    assert "no setting 'sed'; did you mean seed" in told
    assert "seed: 'many' does not fit" in told and "pace: 'perhaps' does not fit" in told
    assert len(error.value.problems) == 3


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
