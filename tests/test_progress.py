"""What a run says of its stages: on stderr alone, a line a stage, and nothing where it is quick."""

import pytest

from funnel_lib.audit import PROGRESS
from funnel_lib.reporting import progress
from funnel_lib.reporting.progress import following, showing_progress


@pytest.fixture(autouse=True)
def not_quiet(monkeypatch):
    monkeypatch.delenv("FUNNEL_QUIET")


def test_a_quiet_run_says_nothing(capsys, impatient, monkeypatch):
    monkeypatch.setenv("FUNNEL_QUIET", "1")
    with showing_progress("en"):
        PROGRESS.info("reading")
        progress.threading.Event().wait(0.1)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_TICK", 0.01)


def wait_for(capsys, text):
    shown = ""
    for _ in range(500):
        shown += capsys.readouterr().err
        if text in shown:
            return shown
        progress.threading.Event().wait(0.01)
    raise AssertionError(shown)


def test_a_quick_run_says_nothing(capsys):
    with showing_progress("en"):
        PROGRESS.info("reading")
    assert capsys.readouterr() == ("", "")
    assert not [h for h in PROGRESS.handlers if type(h).__module__ == progress.__name__]


def test_a_stage_is_a_line_in_the_language_asked_for(capsys, impatient, tmp_path):
    with showing_progress("ru"):
        PROGRESS.info("%s %d/%d", "segments", 1, 10)
        shown = wait_for(capsys, "ищем сегменты")
        PROGRESS.info("%s %d/%d", "segments", 2, 10)  # the same stage: no further line
        file = tmp_path / "progress"
        with following(file):  # another process tells
            file.write_text("segments 3/10\nsections 1/9\nhalf", encoding="utf-8")
            shown += wait_for(capsys, "считаем")
    assert shown.splitlines() == ["ищем сегменты …", "считаем …"]


def test_a_screen_has_one_line_that_is_written_anew(capsys, impatient, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with showing_progress("en"):
        PROGRESS.info("%s %d/%d", "segments", 3, 10)
        wait_for(capsys, "looking for segments … 3/10")
    out, err = capsys.readouterr()
    assert out == "" and "\n" not in err and err.endswith("\r")
