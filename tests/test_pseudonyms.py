"""Managers under other names: in nothing that is written stands a real one."""

import re
import zipfile

import numpy as np
import pandas as pd
import pytest

from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.datasets.planted import plant_log
from funnel_lib.reading.pseudonyms import Pseudonyms, name_managers
from funnel_lib.reporting.report import write_report
from funnel_lib.settings import Settings

WRITTEN = {"en": r"Manager \d+", "ru": r"Менеджер \d+"}


@pytest.fixture(scope="module", params=["en", "ru"])
def export(request, tmp_path_factory):
    """A planted CRM whose events have an author, and whose teams, reasons and odd rows name the
    managers, too: its language, its files, its managers."""
    lang, folder = request.param, tmp_path_factory.mktemp("named")
    planted = plant_log("kettles", 300, seed=3, lang=lang)
    leads, events = planted.leads, planted.events
    leads = leads.assign(team=leads["team"] + " · " + leads["manager"],
                         loss_reason=leads["loss_reason"].where(leads["lead_id"] != "L1",
                                                                leads["manager"]))  # fmt: skip
    author = events["lead_id"].map(leads.set_index("lead_id")["manager"])
    events = events.assign(author=author.where(np.arange(len(events)) % 50 > 0, "Zinaida"))
    odd = events[:3].assign(action=events["author"][1], lead_id=None)
    events = pd.concat([events, odd, events[:2]])
    events.to_csv(folder / "events.csv", index=False)
    leads.to_csv(folder / "leads.csv", index=False)
    (folder / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    return lang, folder, sorted(leads["manager"].dropna().unique())


def give(folder, **more):
    names = {"events": "events.csv", "leads": "leads.csv", "steps": "steps.yml"}
    return {k: folder / v for k, v in names.items()} | {"hide_managers": True} | more


def read_all(out):
    """The text of every file, also within workbooks."""
    for path in (p for p in sorted(out.rglob("*")) if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                data = b"\n".join(book.read(name) for name in book.namelist())
        text = data.decode("utf-8")
        if path.suffix == ".ipynb":
            text = text.encode().decode("unicode_escape", "ignore") + text
        yield path.name, text


def test_no_real_name_is_written(export, tmp_path):
    lang, folder, names = export
    out = tmp_path / "report"
    only = [f"manager={name}" for name in names[:3]]
    write_report(Settings(**give(folder, lang=lang, out=out, only=only, show_names=True)))
    texts = dict(read_all(out))
    assert {"report.html", "report.ipynb", "audit.xlsx", "manifest.json", "leads.csv",
            "quality.csv", "hypotheses.csv"} <= {*texts}  # fmt: skip
    for name in (*names, "Zinaida"):
        real = re.compile(rf"(?<!\w){name}(?!\w)")
        assert not [file for file, text in texts.items() if real.search(text)], name
    for file in ("report.html", "audit.xlsx", "leads.csv", "manifest.json", "report.ipynb"):
        assert re.search(WRITTEN[lang], texts[file]), file


def test_other_names_change_no_number(export):
    lang, folder, names = export
    given = {"lang": lang, "segments": "none", "only": f"manager={names[0]}", "show_names": True}
    hidden = build_audit(**give(folder, **given))
    other = hidden.settings.only[0].removeprefix("manager=")
    assert re.fullmatch(WRITTEN[lang], other)
    plain = build_audit(**give(folder, **given) | {"hide_managers": False})
    counts = ["lead_id", "status", "last_step", "amount"]
    pd.testing.assert_frame_equal(hidden.tables["leads"][counts], plain.tables["leads"][counts])
    assert set(hidden.tables["leads"]["manager"]) == {other}
    assert set(plain.tables["leads"]["manager"]) == {names[0]}
    # The other name is taken, too: the notebook of a report can be run again.
    again = build_audit(**give(folder, **given | {"only": f"manager={other}"}))
    pd.testing.assert_frame_equal(again.tables["leads"], hidden.tables["leads"])
    with pytest.raises(InputError, match="no lead has this value"):
        build_audit(**give(folder, **given | {"only": "manager=Nobody"}))


def test_numbers_say_nothing_of_names_and_are_the_same_in_every_run():
    names = [f"M{n:02}" for n in range(40)]
    ids = [f"l{n}" for n in range(40)]
    events = pd.DataFrame({"lead_id": ids, "at": "2025-01-01", "action": "call"})
    log = build_log(events, pd.DataFrame({"lead_id": ids, "manager": names}))
    backwards = build_log(events[::-1], pd.DataFrame({"lead_id": ids, "manager": names})[::-1])
    first, again, other = (
        name_managers(log, "Manager {n}", seed=0).names,
        name_managers(backwards, "Manager {n}", seed=0).names,
        name_managers(log, "Manager {n}", seed=1).names,
    )
    assert first == again != other
    assert sorted(first) == names and len(set(first.values())) == 40
    places = [int(first[name].split()[1]) for name in names]
    assert abs(np.corrcoef(places, np.arange(40))[0, 1]) < 0.5


def test_names_are_found_in_columns_of_people_and_within_texts():
    others = Pseudonyms({"Anna": "Manager 2", "12": "Manager 1", "Anna Bell": "Manager 3"})
    frame = pd.DataFrame({
        "manager": ["12", None, "Anna", "Eve"], "product": ["12", "Anna Bell", "Annabel", "tea"],
        "handled": pd.Categorical(["Anna", "12", "12", "12"]), "n": [12, 1, 2, 3],
    })  # fmt: skip
    covered = others.cover_frame(frame)
    assert covered["manager"].dropna().tolist() == ["Manager 1", "Manager 2", "Eve"]
    assert covered["manager"].isna().tolist() == [False, True, False, False]
    assert covered["product"].tolist() == ["12", "Manager 3", "Annabel", "tea"]
    assert covered["handled"].tolist() == ["Manager 2", *["Manager 1"] * 3]
    assert covered["n"].tolist() == [12, 1, 2, 3] and frame["manager"][0] == "12"
    assert Pseudonyms({}).cover("Anna") == "Anna"
    odd = Pseudonyms({"Manager 1": "Manager 2", "Anna": "Manager 1"})
    assert odd.reveal_condition("manager=Manager 1") == "manager=Manager 1"
    assert odd.cover("Manager 1, Anna") == "Manager 2, Manager 1"
