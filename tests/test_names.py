"""What segments are called: by the library, by a person, in sentences, tables and files."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from funnel_lib.audit import build_audit
from funnel_lib.core.errors import InputError
from funnel_lib.core.groups import Segmentation, keep_together, name_segments
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.reporting.outputs import save_audit
from funnel_lib.sections.paths.segments import (
    assign_segments,
    find_segments,
    read_segments,
    write_segments,
)

EN = Words("en", {"ask": "Asked", "meet": "Met us", "try": "Tested the sample", "pay": "Paid"})
RU = Words("ru", {"ask": "Спросил", "meet": "Встретился", "try": "Испытал образец"})
MINE = {"s1": {"en": "Wholesale", "ru": "Опт"}, "s2": {"ru": "Розница «у дома»"}}


def name(*paths, optional=None, hurry=None):
    return name_segments([tuple(p.split()) for p in paths], optional, hurry)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["ask pay"], ["all"]),
        (["ask meet pay", "ask pay"], ["long", "short"]),
        (["ask meet pay", "ask try pay"], ["with meet", "with try"]),
        # two are equally short: neither is shorter than all others
        (["ask meet pay", "ask try pay", "ask meet try pay"],
         ["without try", "without meet", "long"]),
        (["ask a pay", "ask pay", "ask a b c pay"], ["with a | without b", "short", "long"]),
        # none alone has or lacks a step of its own: two signs together
        (["a b", "a c", "d b", "d c"], ["with a | with b", "with a | with c", "with d | with b",
                                        "with d | with c"]),
        # the same steps in another order
        (["ask a b pay", "ask b a pay"], ["before a > b", "before b > a"]),
        # every two steps of the first stand so in one of the others
        (["a b c", "b a c", "a c b"], ["steps a > b > c", "before b > a", "before c > b"]),
        (["a", "a b", "a b c", "a b c d", "a b c d e"],
         ["short", "with b | without c", "with c | without d", "with d | without e", "long"]),
    ],
)  # fmt: skip
def test_paths_go_by_length_or_by_what_is_special(paths, names):
    assert name(*paths) == names


def test_length_leaves_out_optional_steps():
    paths = "ask a b pay", "ask c pay"  # 2 required steps against 3
    assert name(*paths, optional=[("a", "b"), ()]) == ["short", "long"]
    # of its own steps a path goes by one that its clients take
    assert name("ask a b pay", "ask c d pay", optional=[("a",), ("d",)]) == ["with b", "with c"]


def test_equal_paths_go_by_pace():
    twins = "ask pay", "ask pay"
    assert name(*twins, hurry=[0.5, 1.8]) == ["slow", "quick"]
    assert name(*twins, "ask pay", hurry=[0.5, 1.8, 1.0]) == ["slow", "quick", "medium"]
    # beside others: behind what the two share
    assert name(*twins, "ask meet pay", hurry=[0.5, 1.8, 1.0]) == [
        "short | slow", "short | quick", "long",
    ]  # fmt: skip
    beside = "ask meet pay", "ask meet pay", "ask try pay"
    assert name(*beside, hurry=[2.0, 0.9, 1.0]) == [
        "with meet | quick",
        "with meet | slow",
        "with try",
    ]


def test_equal_paths_without_a_pace_are_numbered():
    assert name("ask pay", "ask pay") == ["path", "path | 2"]
    assert name("ask pay", "ask pay", hurry=[1.0, 1.0]) == ["path", "path | 2"]
    assert name(*["ask pay"] * 3, "ask meet pay") == ["short", "short | 2", "short | 3", "long"]


def test_nine_paths_have_nine_names():
    letters = "abcdefgh"
    paths = ["ask pay", *(f"ask {' '.join(letters[: k + 1])} pay" for k in range(8))]
    steps = {step: f"Step {step}" for step in letters}
    for lang in ("en", "ru"):
        names = [Words(lang, steps).value("name", code) for code in name(*paths)]
        assert len({*names}) == 9 and max(map(len, names)) < 60
        assert not [n for n in names if re.search(r"\bs\d", n)]


@pytest.mark.parametrize(
    ("code", "en", "ru"),
    [
        ("all", "all leads", "все лиды"),
        ("short", "Short path", "Короткий путь"),
        ("long", "Long path", "Длинный путь"),
        ("quick", "Quick path", "Быстрый путь"),
        ("slow", "Slow path", "Медленный путь"),
        ("short | quick", "Short path, quick", "Короткий путь, быстрый"),
        ("with try", "Path with “Tested the sample”", "Путь с шагом «Испытал образец»"),
        ("without try", "Path without “Tested the sample”", "Путь без шага «Испытал образец»"),
        ("with meet | with try", "Path with “Met us” and “Tested the sample”",
         "Путь с шагом «Встретился» и шагом «Испытал образец»"),
        ("with meet | without try | slow | 2",
         "Path with “Met us” and without “Tested the sample”, slow, 2",
         "Путь с шагом «Встретился» и без шага «Испытал образец», медленный, 2"),
        ("before meet > try", "Path with “Met us” before “Tested the sample”",
         "Путь, где «Встретился» раньше, чем «Испытал образец»"),
        ("steps ask > meet", "Asked → Met us", "Спросил → Встретился"),
        ("path | 2", "Path, 2", "Путь, 2"),
        ("with luck", "Path with “luck”", "Путь с шагом «luck»"),  # a step without a name
        ("Wholesale | big", "Wholesale | big", "Wholesale | big"),  # no code
    ],
)  # fmt: skip
def test_codes_are_written_out(code, en, ru):
    assert (EN.value("name", code), RU.value("name", code)) == (en, ru)


def test_names_stand_in_quotes_within_sentences():
    assert EN.quoted("with try") == "“Path with ‘Tested the sample’”"
    assert RU.quoted("with try") == "«Путь с шагом „Испытал образец“»"
    assert RU.quoted("short") == "«Короткий путь»" and EN.quoted("all") == "all leads"


def make_segments(**more):
    paths = ("ask", "meet", "pay"), ("ask", "pay")
    return Segmentation(("ask", "meet", "pay"), ("s1", "s2"), paths, ((), ()), np.eye(2), **more)


def test_words_know_segments_by_id_and_by_code():
    words = make_segments().add_names(EN)
    assert words.value("segment", "s2") == words.value("name", "short") == "Short path"
    assert words.value("segment", "all") == "all leads"
    mine = make_segments(names={"s2": {"en": "Wholesale", "ru": "Опт"}})
    assert mine.codes == {"s1": "long", "s2": "Wholesale"}
    assert mine.add_names(RU).value("segment", "s2") == "Опт"
    assert mine.add_names(RU).quoted("Wholesale") == "«Опт»"
    # two steps that are called the same
    same = Words("en", {"meet": "Call", "try": "Call"})
    calls = replace(make_segments(), paths=(("ask", "meet", "pay"), ("ask", "try", "pay")))
    names = calls.add_names(same).segment_names
    assert (names["s1"], names["s2"]) == ("Path with “Call”", "Path with “Call”, 2")
    # those of another search are forgotten
    assert make_segments().add_names(mine.add_names(RU)).value("segment", "s2") == "Короткий путь"


def test_a_model_tells_the_pace():
    paths = [SimpleNamespace(pace=(1.4, 0.8)), SimpleNamespace(pace=None)]
    model = SimpleNamespace(pace=True, paths_=paths)
    same = replace(make_segments(model=model), paths=(("ask", "pay"),) * 2)
    assert same.codes == {"s1": "quick", "s2": "slow"}
    assert replace(same, model=SimpleNamespace(pace=False)).codes == {
        "s1": "path",
        "s2": "path | 2",
    }


def test_the_card_of_segments_calls_them_by_name():
    assert [name for name, _ in make_segments().describe()[2]] == ["Long path", "Short path"]


@pytest.fixture(scope="module")
def saved(planted, found, tmp_path_factory):
    """A file of three segments as an audit writes it: what it holds, and how to read it changed."""
    path = tmp_path_factory.mktemp("names") / "segments.json"
    write_segments(found, path, parse_steps(planted.steps_yaml))
    content = json.loads(path.read_text(encoding="utf-8"))

    def change(**changed):
        path.write_text(json.dumps(content | changed), encoding="utf-8")
        return path

    return content, change


def test_the_names_of_the_library_are_written_and_stay_its_own(saved, journeys, found):
    content, change = saved
    steps = journeys.steps
    for lang in ("en", "ru"):
        words = found.add_names(Words(lang, steps.names(lang)))
        assert [content["names"][s][lang] for s in found.ids] == [
            words.value("segment", s) for s in found.ids
        ]
    again = read_segments(change(), journeys)
    assert again.names == {} and again.codes == found.codes


def test_files_without_names_are_read(saved, journeys, found, tmp_path):
    content, _ = saved
    old = {key: value for key, value in content.items() if key != "names"}
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    assert read_segments(tmp_path / "old.json", journeys).codes == found.codes
    write_segments(found, tmp_path / "new.json")  # of the library's names only with steps
    assert json.loads((tmp_path / "new.json").read_text("utf-8"))["names"] == {}


def test_names_of_a_person_are_kept(saved, journeys, found, tmp_path):
    mine = read_segments(saved[1](names=MINE), journeys)
    both = {"s2": dict.fromkeys(("en", "ru"), "Розница «у дома»")}  # one language serves both
    assert mine.names == MINE | both
    assert mine.codes == found.codes | {"s1": "Wholesale", "s2": "Розница «у дома»"}
    write_segments(mine, tmp_path / "next.json", journeys.steps)
    written = json.loads((tmp_path / "next.json").read_text("utf-8"))["names"]
    assert written == saved[0]["names"] | MINE | both
    assert read_segments(tmp_path / "next.json", journeys).names == mine.names
    assert assign_segments(mine, journeys).codes == mine.codes


def test_a_file_that_was_edited_wrongly_is_told_with_its_line(journeys, tmp_path):
    (tmp_path / "typo.json").write_text('{"names": {\n "s1": "Big"\n "s2": "Small"}}')
    with pytest.raises(InputError, match=r"typo.json: line 3: .* check quotes and commas"):
        read_segments(tmp_path / "typo.json", journeys)


def test_a_plain_text_serves_both_languages_and_loses_its_gaps(saved, journeys):
    found = read_segments(saved[1](names={"s3": "  Small \n shops "}), journeys)
    assert found.names == {"s3": {"en": "Small shops", "ru": "Small shops"}}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a"], ["is ['a']; write them as {\"s1\": {\"en\": \"Wholesale\", "]),
        ({"s9": "Big"}, ["no segment 's9'; there are s1, s2, s3; take its name out"]),
        ({"s1": {"en": " "}}, ["s1 (en): the name is empty; write one, or take it out"]),
        ({"s1": ""}, ["s1 (en): the name is empty", "s1 (ru): the name is empty"]),
        ({"s1": 5}, ["s1 is 5; write a name in quotes, or one a language"]),
        ({"s1": {}}, ["s1 is {}; write a name in quotes"]),
        ({"s1": {"ru": None}}, ["s1 (ru) is None, no text; put the name in quotes"]),
        ({"s1": {"de": "Groß"}}, ["s1: no language 'de'; choose en or ru"]),
        ({"s1": {"ru": "s2"}}, ["s1 (ru): 's2' is a word of the tables; choose another name"]),
        ({"s1": {"en": "A", "ru": "Б"}, "s2": {"en": "B", "ru": "б"}},
         ["s1 and s2 (ru) are both called 'б'; give one of them another name"]),
        ({"s1": {"en": "A"}, "s2": {"ru": "A"}}, ["s1 and s2 (en) are", "s1 and s2 (ru) are"]),
        ({"s9": "A", "s1": 5, "s2": "B", "s3": "b"},
         ["no segment 's9'", "s1 is 5", "s2 and s3 (en) are", "s2 and s3 (ru) are"]),
    ],
)  # fmt: skip
def test_names_that_are_none_are_told_all_at_once(saved, journeys, names, told):
    path = saved[1](names=names)
    with pytest.raises(InputError) as caught:
        read_segments(path, journeys)
    problems = caught.value.problems
    assert len(problems) == len(told)
    for problem, part in zip(problems, told, strict=True):
        assert problem.startswith(f"{path}: names") and part in problem, problem


def test_a_name_may_not_be_that_of_the_library_for_another(saved, journeys, found):
    """Of a segment whose name was taken out of the file the library's own is used."""
    taken = saved[0]["names"]["s1"]["ru"]
    with pytest.raises(InputError, match=r"s1 and s2 \(ru\) are both called"):
        read_segments(saved[1](names={"s2": {"en": "Mine", "ru": taken}}), journeys)


def test_a_lone_segment_needs_no_name(journeys, tmp_path):
    one = find_segments(journeys, 1)
    write_segments(one, tmp_path / "one.json", journeys.steps)
    content = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert content["names"] == {} and one.codes == {"s1": "all"}
    (tmp_path / "one.json").write_text(json.dumps(content | {"names": {"s1": "Big"}}))
    with pytest.raises(InputError, match="no segment 's1'; all leads are one; take its name out"):
        read_segments(tmp_path / "one.json", journeys)
    assert keep_together(journeys).codes == {"all": "all"}


def test_an_audit_calls_segments_as_its_file_does(planted_folder, tmp_path):
    def audit_of(segments, lang):
        return build_audit(planted_folder / "events.csv", leads=planted_folder / "leads.csv",
                           steps=planted_folder / "steps.yml", segments=segments,
                           lang=lang)  # fmt: skip

    first = audit_of("auto", "en")
    save_audit(first, tmp_path / "first", [])
    content = json.loads((tmp_path / "first" / "segments.json").read_text("utf-8"))
    assert [*content["names"]] == ["s1", "s2"]
    content["names"]["s1"] = {"en": "Wholesale", "ru": "Опт"}
    (tmp_path / "mine.json").write_text(json.dumps(content), encoding="utf-8")
    second = audit_of(tmp_path / "mine.json", "ru")
    assert second.tables["segments"]["segment"].tolist() == ["s1", "s2"]
    assert second.tables["segments"]["name"].tolist() == [
        "Wholesale",
        first.segmentation.codes["s2"],
    ]
    assert "Главный — «Опт»" in second.paths.tell()[0]
    assert "“Wholesale”" in second.paths.tell("en")[0]
    shown = second.paths.show().html
    assert '<h3 style="margin:0">Опт</h3>' in shown and "Wholesale" not in shown
    save_audit(second, tmp_path / "second", [])
    again = json.loads((tmp_path / "second" / "segments.json").read_text("utf-8"))
    assert again["names"] == content["names"]
