"""A CRM's export through the commands: a snapshot labelled, what is missing told, no name left."""

import json

import pandas as pd
import pytest
from crm_world import make_world
from test_amocrm import as_export, write_api

NAMES = ("Сделка, 1", "Иван Петров", "+7 999 1", "client1@mail.ru", "тайный")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The export of 300 deals, with names, phones and mails of people."""
    world = make_world(300, 2, won="Успешно реализовано", lost="Закрыто и не реализовано")
    table = as_export(world).assign(**{
        "Полное имя контакта": "Иван Петров", "Рабочий email": "client1@mail.ru",
        "Примечание": "тайный телефон", "Отрасль": "Связь",
    })  # fmt: skip
    folder = tmp_path_factory.mktemp("amo")
    table.to_csv(folder / "leads.csv", index=False)
    return folder


def everything(out):
    """All that a report's folder says, the workbook's cells among it."""
    texts = [p.read_text(encoding="utf-8") for p in out.rglob("*")
             if p.suffix in (".html", ".ipynb", ".csv", ".json")]  # fmt: skip
    sheets = pd.read_excel(out / "audit.xlsx", sheet_name=None, engine="calamine").values()
    return "\n".join([*texts, *(sheet.astype(str).to_csv() for sheet in sheets)])


@pytest.fixture(scope="module")
def report(root, folder, tmp_path_factory):
    from funnel_lib.reporting.report import write_report
    from funnel_lib.settings import Settings

    out = tmp_path_factory.mktemp("report") / "out"
    steps = str(root / "data" / "steps" / "b2b.yml")
    write_report(
        Settings(events=folder, steps=steps, time_zone="Europe/Moscow", lang="ru", out=out)
    )
    return out


def test_a_snapshot_is_labelled_in_the_first_box_with_what_to_export(report):
    html = (report / "report.html").read_text(encoding="utf-8")
    first, rest = html.split("<h1 ")
    assert "Это снимок: из amoCRM (Kommo)" in first and "api/v4/events" in first
    assert "Неразобранное" in first and "Это снимок" not in rest
    assert "Прочитано как amoCRM (Kommo): leads.csv" in rest  # and why
    sources = json.loads((report / "manifest.json").read_text(encoding="utf-8"))["sources"]
    assert [(s["crm"], s["kind"], s["n_rows"]) for s in sources] == [("amocrm", "export", 300)]


def test_a_snapshot_is_audited_all_the_same(report):
    table = pd.read_csv(report / "tables" / "funnel.csv").set_index("step")
    assert table.loc["request_left", "n_reached"] == 300
    leads = pd.read_csv(report / "tables" / "leads.csv")
    assert table.loc["paid", "n_reached"] == (leads["status"] == "won").sum() > 20
    assert leads["Отрасль"].eq("Связь").all()


def test_no_name_phone_or_mail_is_left_in_a_report(report):
    said = everything(report)
    assert [n for n in NAMES if n in said] == []
    assert "Полное имя контакта" in said  # the columns that were left out are named


def test_names_are_kept_where_they_are_asked_for(root, folder, tmp_path, funnel):
    steps = root / "data" / "steps" / "b2b.yml"
    arguments = [
        folder,
        "--steps",
        steps,
        "--no-report",
        "--segments",
        "none",
        "--time-zone",
        "UTC",
    ]
    code, *_ = funnel("audit", *arguments, "--show-names", "--out", tmp_path / "out")
    leads = pd.read_csv(tmp_path / "out" / "tables" / "leads.csv")
    assert code == 0 and leads["Полное имя контакта"].eq("Иван Петров").all()


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_check_says_whose_export_it_is_and_what_it_lacks(folder, lang, funnel):
    code, out, err = funnel("check", folder, "--lang", lang)
    said = " ".join(out.split())
    assert code == 0 and err == ""
    assert {"en": "Read as amoCRM (Kommo): leads.csv", "ru": "Прочитано как amoCRM (Kommo)"}[
        lang
    ] in said
    assert {"en": "This export is a snapshot", "ru": "Это снимок"}[lang] in said
    assert not any(n in said for n in NAMES)


def test_a_full_export_has_no_box_and_the_wrong_name_is_refused(tmp_path, funnel):
    world = make_world(60, 2, won="Успешно реализовано", lost="Закрыто и не реализовано")
    write_api(world, tmp_path / "api")
    code, out, _ = funnel("check", tmp_path / "api")
    assert (
        code == 0
        and "snapshot" not in out
        and "Leads that never became deals" in " ".join(out.split())
    )
    for name, told in (("nope", "choose from auto"), ("hubspot", "no table of it")):
        code, _, err = funnel("check", tmp_path / "api", "--crm", name)
        assert code == 2 and told in err and "Traceback" not in err
