"""The audit of stage names: the labelled list, worked cases, hostile names, the command."""

import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from funnel_lib.core.checked import read_checked
from funnel_lib.core.errors import InputError
from funnel_lib.core.tables import list_columns
from funnel_lib.core.words import Words
from funnel_lib.reading.lexicon import LEXICON, Lexicon, find_meaning, read_lexicon
from funnel_lib.sections.stages.names import audit_stages, build_sheet, tell_stages

NAMES = Path(__file__).parent / "stage_names.csv"
STEPS = [
    "request_left", "reached", "need_stated", "proposal_opened", "proposal_answered",
    "terms_agreed", "contract_signed", "paid", "launched", "served", "feedback_given",
    "repeat_order",
]  # fmt: skip
SEVEN = [
    "Заявка с сайта", "Первичные переговоры", "Квалификация", "Отправка КП",
    "Снятие возражений", "Выставление счёта", "Оплата",
]  # fmt: skip
# What the issue asks for, on names kept out of making the lexicon. The list is by the lexicon's own
# author: of five batches of foreign pipelines gathered afterwards ("gathered" in `source`), each
# was at first told right in 78-89 % and wrong in 4-9 %, before its errors mended the rules.
LEAST_RIGHT, MOST_WRONG = 0.90, 0.03


def labelled(split):
    with NAMES.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def measure(rows):
    """Shares told right, and told wrong (a kind or step given that is not the label's)."""
    found = [(find_meaning(r["name"])[:2], (r["kind"], r["step"])) for r in rows]
    right = sum(got == want for got, want in found)
    wrong = sum(got != want and got[0] != "unclear" for got, want in found)
    return right / len(rows), wrong / len(rows)


def test_the_list_is_what_it_says():
    rows = [r for split in ("train", "test") for r in labelled(split)]
    assert len(rows) == sum(1 for _ in NAMES.open(encoding="utf-8")) - 1 >= 200
    assert not [n for n, k in Counter(r["name"].casefold() for r in rows).items() if k > 1]
    assert {r["kind"] for r in rows} == {"client", "manager", "unclear"}
    assert all(r["source"] and r["step"] in (STEPS if r["step"] else [""]) for r in rows)
    assert not any(r["step"] for r in rows if r["kind"] == "unclear")
    for split in ("train", "test"):
        count = Counter(r["lang"] for r in labelled(split))
        assert min(count.values()) > 0.4 * len(labelled(split))


def test_names_kept_out_of_the_lexicon_are_told_right():
    right, wrong = measure(labelled("test"))
    assert right >= LEAST_RIGHT and wrong <= MOST_WRONG, (right, wrong)


@pytest.mark.parametrize("kind", ["client", "manager"])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_no_kind_and_no_language_is_left_behind(kind, lang):
    """The unclear ones are the easy ones: those that can be told are measured by themselves."""
    rows = [r for r in labelled("test") if r["kind"] == kind and r["lang"] == lang]
    right, _ = measure(rows)
    assert len(rows) >= 15 and right >= 0.8, right


def tell_kinds(file_name):
    """(label, told) of every name of a list that says whose act it is."""
    with (Path(__file__).parent / file_name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = audit_stages([r["name"] for r in rows]).set_index("stage")["kind"]
    return [(r["kind"], told[r["name"]]) for r in rows]


def measure_kinds(pairs):
    """Shares told right, and told as the other side's act."""
    opposite = {("client", "manager"), ("manager", "client")}
    right = sum(kind == found for kind, found in pairs)
    return right / len(pairs), sum(pair in opposite for pair in pairs) / len(pairs)


def test_names_of_a_blind_list_are_seldom_told_as_the_others_act():
    """By somebody who had not seen the lexicon: never to be trained on. The aim is nine in ten; of
    those that are not told right most are unclear to its author, as waiting and talks are."""
    pairs = tell_kinds("stage_names_blind.csv")
    right, opposite = measure_kinds(pairs)
    assert len(pairs) == 150 and right >= 0.78 and opposite <= MOST_WRONG, (right, opposite)
    acts = [pair for pair in pairs if pair[0] != "unclear"]
    assert measure_kinds(acts)[0] >= 0.85


def test_the_grammar_reads_what_it_was_made_from():
    """By the author of the rules; the second half was read 81 % right before it mended them."""
    pairs = tell_kinds("stage_names_kinds.csv")
    right, opposite = measure_kinds(pairs)
    assert len(pairs) > 600 and right >= 0.95 and opposite <= 0.01, (right, opposite)


def test_names_the_lexicon_was_made_from_are_told_right():
    right, wrong = measure(labelled("train"))
    assert right >= 0.95 and wrong <= MOST_WRONG, (right, wrong)


@pytest.mark.parametrize(
    ("name", "kind", "step"),
    [
        ("КП отправлено", "manager", "proposal_opened"),
        ("КП получено", "client", "proposal_opened"),  # the same noun, another actor
        ("Ответ по КП получен", "client", "proposal_opened"),
        ("Выставлен счёт", "manager", "paid"), ("Счёт оплачен", "client", "paid"),
        ("Ждём оплату", "manager", "paid"),  # waiting for the step is not the step
        ("Согласование договора", "manager", "contract_signed"),
        ("Договор согласован", "client", "terms_agreed"),
        ("Договор подписан", "client", "contract_signed"),
        ("Акт подписан", "client", "launched"),
        ("Закрыта: успешно", "client", "paid"), ("Closed won", "client", "paid"),
        ("Proposal Sent", "manager", "proposal_opened"),
        ("Replied to the proposal", "client", "proposal_answered"),
        ("Negotiation", "manager", "terms_agreed"), ("Qualified", "manager", "need_stated"),
        ("Payment not received", "unclear", ""), ("Без оплаты", "unclear", ""),
        ("Новая заявка / Счёт выставлен", "unclear", ""),  # two stages in one
        ("Договор и счёт отправлены", "manager", ""),  # two steps at once, one who acts
        ("Proposal submitted", "manager", "proposal_opened"),  # who gives: whose thing it is
        ("Документы предоставили", "client", ""), ("Цена озвучена", "manager", "terms_agreed"),
        ("Оплата счёта", "client", "paid"), ("Payment invoice", "manager", "paid"),  # the head noun
        ("Выбор сделан", "client", ""), ("Визит подтверждён", "client", ""),  # its own acts
        ("Просит счёт", "client", "paid"), ("Ведёт переговоры", "manager", "terms_agreed"),
        ("Getting approval", "manager", "terms_agreed"), ("Протокол", "unclear", ""),
        ("Заявка с Авито", "client", "request_left"), ("Горячая заявка", "unclear", ""),
        ("Пробный урок проведён", "manager", ""), ("Лечение начато", "unclear", ""),
        ("Лунный свет", "unclear", ""), ("", "unclear", ""), ("!!!", "unclear", ""),
        ("42", "unclear", ""),
    ],
)  # fmt: skip
def test_worked_cases(name, kind, step):
    assert find_meaning(name)[:2] == (kind, step)


@pytest.mark.parametrize(
    "name",
    ["СЧЁТ ОПЛАЧЕН", "счет  оплачен", "3. Счёт оплачен!", "03) Счёт оплачен", "💰 Счёт оплачен 🎉",
     "<b>Счёт</b> оплачен", "Счёт&nbsp;оплачен", "«Счёт оплачен»", "Сче\u0308т оплачен"],
)  # fmt: skip
def test_writing_does_not_matter(name):
    assert find_meaning(name)[:2] == ("client", "paid")


@pytest.mark.parametrize("name", ["Closed lost", "Закрыто и не реализовано", "Отказ: дорого",
                                  "Lost (price)", "Спам"])  # fmt: skip
def test_a_lost_end_is_no_step_and_is_counted_apart(name):
    row = audit_stages([name, "Оплата"], "ru").iloc[0]
    assert (row["kind"], row["step"], row["name"], row["nearest"]) == ("unclear", "", "", "")
    assert row["end"] == "lost" and "конец сделки" in row["evidence"]
    assert "0 из 1" in tell_stages(audit_stages([name, "Оплата"]), Words("ru"))


def test_one_row_a_name_in_the_order_given():
    audit = audit_stages(["Оплата", "b", " Оплата ", None, "", float("nan"), 7, "a"])
    assert audit["stage"].tolist() == ["Оплата", "b", "7", "a"]
    assert audit.columns.tolist() == list_columns("stage_audit")
    assert audit_stages([]).empty and audit_stages([]).columns.tolist() == list_columns(
        "stage_audit"
    )
    assert "0 of 0" in tell_stages(audit_stages([]), Words("en"))


def test_what_is_unclear_names_the_two_nearest_wordings_and_nothing_else():
    row = audit_stages(["Кпп отправлна"]).iloc[0]
    near = row["nearest"].split("; ")
    written = {w for w, _ in read_lexicon().wordings.values()}
    assert len(near) == 2 and set(near) <= written
    assert not row[["step", "evidence", "name", "end"]].any()
    known = audit_stages(["Proposal sent"]).iloc[0]
    assert known["nearest"] == "" and known["evidence"] and known["name"] == "Opened the proposal"


def test_the_typical_seven_describe_the_manager():
    audit = audit_stages(SEVEN, "ru")
    assert audit["kind"].tolist() == ["client", *["manager"] * 5, "client"]
    assert tell_stages(audit, Words("ru")).startswith("Действие менеджера описывают 5 из 7 этапов")
    assert tell_stages(audit, Words("en")).startswith("5 of 7 stages describe the manager’s action")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_sheet_has_every_step_with_its_texts_and_the_old_stages(lang):
    sheet = build_sheet(audit_stages([*SEVEN, "Отказ"], lang), lang)
    assert sheet["step"].tolist() == STEPS
    assert (sheet.drop(columns="old_stages") != "").all().all()
    old = sheet.set_index("step")["old_stages"]
    assert old["paid"] == "Выставление счёта; Оплата" and old["served"] == ""
    assert (build_sheet(audit_stages([]))["old_stages"] == "").all()


def test_another_language_is_refused():
    for call in (lambda: audit_stages(["x"], "de"), lambda: build_sheet(audit_stages([]), "de")):
        with pytest.raises(InputError, match="no language 'de'"):
            call()


HOSTILE = {
    "long": "оплата " * 1500, "one word": "а" * 10_000, "tags": "<" * 10_000,
    "entities": "&lt;" * 3000, "slashes": "/" * 10_000, "parts": "a/" * 5000,
    "known parts": "оплата/" * 1500, "stars": "*" * 10_000, "newlines": "x" + "\n" * 10_000 + "x",
    "formula": '=HYPERLINK("http://x","y")', "script": "<script>alert(1)</script>",
    "markup": "[red]x[/red]", "braces": "{name} %s", "null": "\0",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_names_do_no_harm(what):
    audit = audit_stages([HOSTILE[what], "Оплата"])
    assert audit["kind"].iloc[-1] == "client"
    assert audit["kind"].iloc[0] == "unclear"


def test_every_wording_and_every_word_stands_in_one_place():
    content = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    wordings = [*content["lost"]["wordings"].values()]
    words = [content[k] for k in ("plain", "context", "against")]
    words += [content["lost"]["words"], *(act["words"] for act in content["acts"])]
    for step in content["steps"]:
        wordings += [v for kind in ("client", "manager") for v in step[kind].values()]
        words += step["about"].values()
    for listed in (
        [w.casefold().replace("-", " ") for some in wordings for w in some],
        [w for both in words for some in both.values() for w in some],
    ):
        assert not [w for w, n in Counter(listed).items() if n > 1]
    assert len(read_lexicon().wordings) == sum(map(len, wordings))


def test_the_lexicon_is_whole():
    lexicon = read_lexicon()
    assert [s.id for s in lexicon.steps] == STEPS
    for step in lexicon.steps:
        assert step.client.en and step.client.ru, step.id
        assert not {step.name.en, step.does.en, step.help.en} & {step.name.ru, step.does.ru}
        for lang in ("en", "ru"):  # what a step is called is understood as that step
            assert find_meaning(getattr(step.name, lang))[:2] == ("client", step.id)
    for act in lexicon.acts:
        assert {act.step, *act.on, *act.on.values()} <= {*STEPS, "", "*"}, act.words
        assert act.words.en and act.words.ru
    for word in lexicon.words:  # written as names are read: small letters, no ё, a star at the end
        assert word == word.casefold().replace("ё", "е") and "*" not in word[:-1], word


def test_a_lexicon_with_a_mistake_says_where(tmp_path):
    path = tmp_path / "stages.yml"
    text = LEXICON.read_text(encoding="utf-8")
    text = text.replace("name: {en: Paid, ru: Оплатил}", "nam: {en: Paid}", 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_checked(path, Lexicon, "a lexicon")
    assert "unknown key 'nam'" in str(caught.value) and ", line " in str(caught.value)


def test_the_wheel_takes_the_lexicon(root):
    """What hatchling would put into the wheel, without building one."""
    builder = pytest.importorskip("hatchling.builders.wheel")
    files = builder.WheelBuilder(str(root)).recurse_included_files()
    assert "funnel_lib/reading/stages.yml" in {f.distribution_path for f in files}


@pytest.fixture
def stages(funnel, monkeypatch, tmp_path):
    """Run `funnel stages` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: funnel("stages", *arguments)


def test_the_command_tells_in_both_languages(stages, tmp_path):
    (tmp_path / "seven.txt").write_text("\n".join(SEVEN), encoding="utf-8")
    code, out, err = stages("seven.txt", "--lang", "ru")
    assert (code, err) == (0, "")
    assert "Действие менеджера описывают 5 из 7 этапов" in out and "Чьё действие" in out
    assert "Открыл КП" in out and "переход по ссылке" in out
    code, out, _ = stages(*SEVEN, "[red]x")
    assert code == 0 and "5 of 8 stages describe the manager’s action" in out
    assert "Opened the proposal" in out and "[red]x" in out


@pytest.mark.parametrize("title", ["stage", "Этап", "Стадия сделки"])
def test_the_command_reads_the_column_of_stages_of_a_table(stages, tmp_path, title):
    pd.DataFrame({"ID": [1, 2, 3], title: ["Оплата", "КП отправлено", "Оплата"]}).to_csv(
        tmp_path / "deals.csv", index=False
    )
    code, out, _ = stages("deals.csv")
    assert code == 0 and "1 of 2 stages describe the manager’s action" in out


def test_the_command_writes_a_table_for_machines_and_a_workbook(stages, tmp_path):
    code, out, _ = stages("=1+1", "Proposal sent", "--out", "new/audit.csv")
    assert code == 0 and "new/audit.csv" in out
    table = pd.read_csv(tmp_path / "new" / "audit.csv", keep_default_na=False)
    assert table.columns.tolist() == list_columns("stage_audit")
    assert table["stage"].tolist() == ["'=1+1", "Proposal sent"]
    code, _, _ = stages("=1+1", "КП отправлено", "--out", "audit.xlsx", "--lang", "ru")
    assert code == 0
    sheets = pd.read_excel(tmp_path / "audit.xlsx", sheet_name=None, engine="calamine")
    audit, sheet = sheets.values()
    assert audit.iloc[:, 0].tolist() == ["=1+1", "КП отправлено"]  # text, not a formula's result
    assert len(sheet) == len(STEPS) and "Прежние этапы" in sheet


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.txt", "none.csv"], ["none.txt: no such file", "none.csv: no such file"]),
        (["x", "--lang", "de"], ["--lang de: choose en or ru"]),
        (["x", "--out", "a.doc"], ["name a .csv or .xlsx file"]),
        (["x", "--out", "there.csv"], ["is already there"]),
        (["there.csv"], ["no column stage, Этап or Стадия; found 'a', 'b'"]),
        (["bad.txt"], ["saved as UTF-8"]), ([" "], ["no stage name"]),
    ],
)  # fmt: skip
def test_wrong_input_is_told_without_a_traceback(stages, tmp_path, arguments, told):
    (tmp_path / "there.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.txt").write_bytes("Оплата".encode("cp1251"))
    code, out, err = stages(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("funnel: ") and "Traceback" not in err
    assert all(part in err for part in told), err
