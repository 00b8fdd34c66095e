"""Figures: the numbers of the tables stand on them, readable, and the same every time."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb

from funnel_lib.core.errors import InputError, drop_controls
from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas, looks
from funnel_lib.drawing.funnels import plot_funnel
from funnel_lib.drawing.looks import (
    ACCENT,
    ASKED,
    GROUND,
    INK,
    MUTED,
    NOT_ASKED,
    OPEN,
    PALE_ACCENT,
    UNKNOWN,
    UNSEEN,
    WENT_ON,
)
from funnel_lib.drawing.pictures import MOST_ALT, shorten, show_figure
from funnel_lib.sections.after_sale.draw import plot_after_sale
from funnel_lib.sections.necessity.draw import plot_necessity
from funnel_lib.sections.rules.draw import plot_rules

HOSTILE = [
    "<script>alert(1)</script>", '"><svg onload=alert(1)>', "a & b ]]> <!-- x", "$x^2$ {{ 7 * 7 }}",
    "\u202egnp.exe", "مرحبا بالعالم", "x" * 10_000, "so " * 4000, "🙂" * 50, "e" + "\u0301" * 50,
    "two\nlines\x1b[31m\x00\u202e",
]  # fmt: skip
EN = Words("en", {"ask": "Asked", "read": "Read it", "need": "Stated the need", "pay": "Paid"})
LONG = {
    "ask": "Оставил заявку",
    "read": "Согласовал с руководством и службой безопасности порядок подписания договора поставки",
    "need": "СООБЩИЛ РЕКВИЗИТЫ ЮРИДИЧЕСКОГО ЛИЦА И ЕГО ПРЕДСТАВИТЕЛЯ",
    "pay": "Сверхдлинноеслововодномкуске" * 3,
}
RU = Words("ru", LONG)


def make_funnel(part="before_sale", entered=1000.0, scale=1.0):
    """1000 entered; `need` cannot be measured; biggest drop 900 − 400 = 500, at `pay`."""
    return pd.DataFrame({
        "segment": "all", "position": [1, 2, 3, 4], "step": ["ask", "read", "need", "pay"],
        "n_entered": entered, "n_reached": np.array([1000.0, 900.0, 700.0, 400.0]) * scale,
        "n_unseen": np.array([0.0, 150.0, 700.0, 0.0]) * scale,
        "n_open": np.array([0.0, 20.0, 30.0, 60.0]) * scale,
        "share_of_entered": [1.0, 0.9, np.nan, 0.4], "share_of_previous": [1.0, 0.9, np.nan, 4 / 9],
        "low": [0.99, 0.88, np.nan, 0.37], "high": [1.0, 0.92, np.nan, 0.43], "part": part,
        "horizon_days": 180.0 if part == "after_sale" else np.nan,
    })  # fmt: skip


def make_rules():
    counts = [("ask", 10, 10, 10), ("read", 8, 5, 6), ("pay", 1200, 900, 0)]
    return pd.DataFrame([
        {"segment": "all", "position": n, "step": s, "rule": rule, "n_reached": float(k)}
        for n, (s, *reached) in enumerate(counts, 1)
        for rule, k in zip(("passed", "ordered", "any"), reached, strict=True)
    ])  # fmt: skip


def make_necessity():
    """Of 40 buyers 38 show `read`, half of them (19) by the manager's word only."""
    return pd.DataFrame({
        "segment": "all", "step": ["ask", "read", "need", "pay"], "n_won": 40.0,
        "n_won_with_evidence": [40.0, 38.0, 0.0, 0.0], "share": [1.0, 0.95, np.nan, 0.0],
        "self_reported_share": [0.0, 0.5, np.nan, np.nan],
    })  # fmt: skip


MADE = [
    (plot_funnel, make_funnel()),
    (plot_after_sale, make_funnel("after_sale")),
    (plot_rules, make_rules()),
    (plot_necessity, make_necessity()),
]
NAMES = [plot.__name__ for plot, _ in MADE]


def texts(ax):
    return [t.get_text() for t in ax.texts]


def bars(ax, colour):
    """(left, width) of the rows' bars of a colour, top to bottom."""
    found = [p for p in ax.patches if same_color(p.get_facecolor(), colour)]
    found = [p for p in found if p.get_data_transform() == ax.transData]  # not of the key
    return [(p.get_x(), p.get_width()) for p in sorted(found, key=lambda p: p.get_y())]


def whiskers(ax):
    """The intervals, without that of the key."""
    found = [line for line in ax.lines if line.get_marker() == "|"]
    return [line for line in found if line.get_transform() == ax.transData]


def row_of(ax, text):
    """The y of the row whose name or number it is."""
    return next(t for t in ax.texts if t.get_text() == text).xy[1]


def draw(ax):
    paper = FigureCanvasAgg(ax.figure)
    paper.draw()
    return paper.get_renderer()


def light(colour):
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def contrast(one, other):
    """WCAG 2.2 contrast ratio, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


def test_funnel_says_counts_and_shares():
    ax = plot_funnel(make_funnel(), EN)
    said = texts(ax)
    assert {"Asked", "1,000 · 100.0%", "Read it", "900 · 90.0%", "Paid", "400 · 40.0%"} <= set(said)
    assert "of 1,000 who entered" in said
    assert said.count("not measurable") == 1
    assert row_of(ax, "not measurable") == row_of(ax, "Stated the need")
    assert row_of(ax, "400 · 40.0%") == row_of(ax, "Paid")


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
@pytest.mark.parametrize(
    "title",
    ["Основной путь", "Без согласования · " + LONG["read"], LONG["pay"] * 3, " → ".join(LONG) * 9],
)
def test_a_title_of_any_length_keeps_clear_of_its_base(words, title):
    heading = canvas.fit_heading(title, words.text("figure.share_axis", n=1000), [], words)
    ax = canvas.open_axes(heading.height, heading)
    renderer = draw(ax)
    heading, base = ax.texts[:2]
    said = heading.get_text()
    assert said.replace("\n", "").replace(" ", "")[:20] == title.replace(" ", "")[:20]
    assert said.count("\n") <= 2
    assert said.endswith("…") or said.replace("\n", " ") == title
    box = heading.get_window_extent(renderer)
    assert box.x1 + 8 < base.get_window_extent(renderer).x0
    assert not any(box.overlaps(t.get_window_extent(renderer)) for t in ax.texts[1:])
    assert box.y1 <= ax.figure.bbox.y1


def test_funnel_bars_hold_the_parts():
    ax = plot_funnel(make_funnel(), EN)
    assert bars(ax, WENT_ON) == [(0, 1000), (0, 750), (0, 400)]
    assert bars(ax, UNSEEN) == [(750, 150)]
    assert bars(ax, OPEN) == [(900, 20), (400, 60)]
    ends = [line.get_xdata().tolist() for line in whiskers(ax)]
    assert ends == [[990, 1000], [880, 920], [370, 430]]


def test_first_step_is_on_top():
    ax = plot_funnel(make_funnel(), EN)
    renderer = draw(ax)
    tops = [
        next(t for t in ax.texts if t.get_text() == name).get_window_extent(renderer).y1
        for name in ("Asked", "Read it", "Stated the need", "Paid")
    ]
    assert tops == sorted(tops, reverse=True)


def test_biggest_drop_has_the_accent_past_unmeasurable_steps():
    ax = plot_funnel(make_funnel(), EN)
    assert bars(ax, PALE_ACCENT) == [(400, 500)]
    assert [p for p in ax.patches if same_color(p.get_edgecolor(), ACCENT)]
    label = next(t for t in ax.texts if t.get_text() == "−500")
    assert 0 < label.get_position()[1] - row_of(ax, "Paid") < 20


def test_narrow_drop_keeps_its_label_in_sight():
    table = make_funnel().assign(n_reached=[1000, 995, 994, 993.0], n_open=[0, 5, 6, 7.0])
    ax = plot_funnel(table, EN)
    renderer = draw(ax)
    label = next(t for t in ax.texts if t.get_text() == "−5")
    assert same_color(label.get_color(), ACCENT)
    box = label.get_window_extent(renderer)
    assert box.x1 <= ax.figure.bbox.x1
    assert box.x0 >= ax.transData.transform((1000, 0))[0]


def test_no_drop_no_accent():
    ax = plot_funnel(make_funnel().assign(n_reached=1000.0), EN)
    assert bars(ax, PALE_ACCENT) == []
    assert not any("−" in text for text in texts(ax))


def test_unmeasurable_step_is_an_empty_dashed_bar():
    ax = plot_funnel(make_funnel(), EN)
    dashed = [p for p in ax.patches if p.get_facecolor()[3] == 0]
    assert len(dashed) == 1
    assert dashed[0].get_linestyle() not in ("-", "solid")
    assert dashed[0].get_width() == 1000


def test_funnel_and_after_sale_take_their_own_rows():
    after = make_funnel("after_sale", scale=0.5, entered=500.0).assign(
        step=["launch", "use", "review", "again"]
    )
    table = pd.concat([make_funnel(), after])
    assert "launch" not in texts(plot_funnel(table, EN))
    said = texts(plot_after_sale(table, EN))
    assert "Asked" not in said
    base = "of 500 buyers, within 180 days of the sale"
    assert {"launch", "100.0%", "again", "40.0%", base} <= set(said)
    assert plot_after_sale(after.assign(horizon_days=0.0), EN) is None


def test_rules_say_one_number_where_they_agree():
    ax = plot_rules(make_rules(), EN)
    said = texts(ax)
    assert said[said.index("Asked") : said.index("Read it")] == ["Asked", "10"]
    assert said[said.index("Read it") : said.index("Paid")] == ["Read it", "8", "5", "6"]
    assert said[said.index("Paid") :] == ["Paid", "1,200", "900", "0"]
    marks = {
        rule: [float(np.ravel(m.get_xdata())[0]) for m in ax.lines if m.get_label() == rule]
        for rule in ("passed", "ordered", "any")
    }
    assert marks == {"passed": [10, 8, 1200], "ordered": [10, 5, 900], "any": [10, 6, 0]}


def test_necessity_splits_self_reported():
    ax = plot_necessity(make_necessity(), EN)
    said = texts(ax)
    assert {"40 · 100.0%", "38 · 95.0%", "0 · 0.0%", "of 40 buyers"} <= set(said)
    assert row_of(ax, "not measurable") == row_of(ax, "Stated the need")
    assert bars(ax, WENT_ON) == [(0, 1), (0, pytest.approx(0.475))]
    assert bars(ax, UNSEEN) == [(pytest.approx(0.475), pytest.approx(0.475))]
    assert "self-reported" in said


def test_necessity_names_its_base_where_paths_differ():
    of_a_path = make_necessity().assign(n_won=[40.0, 30.0, 40.0, 40.0])
    assert "of the buyers whose path has it" in texts(plot_necessity(of_a_path, EN))


def test_rules_that_agree_are_no_figure():
    table = make_rules().assign(n_reached=8.0)
    assert plot_rules(table, EN) is None


def test_key_names_only_what_is_drawn():
    ax = plot_necessity(make_necessity().assign(self_reported_share=0), EN)
    assert "self-reported" not in texts(ax)


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_empty_tables_and_zeros_are_no_figure(plot, table):
    zeros = table.copy()
    counts = [c for c in table if c.startswith("n_")]
    zeros[counts] = 0.0
    zeros[[c for c in table if "share" in c or c in ("low", "high")]] = np.nan
    assert plot(table.head(0), EN) is None and plot(zeros, RU) is None


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_long_cyrillic_names_are_whole_and_inside(plot, table):
    ax = plot(table, RU)
    renderer = draw(ax)
    steps = table["step"].unique()
    said = [t.replace("\n", "").replace(" ", "") for t in texts(ax)]
    assert all(LONG[s].replace(" ", "") in said for s in steps)
    boxes = {t: t.get_window_extent(renderer) for t in ax.texts}
    page = ax.figure.bbox
    for text, box in boxes.items():
        assert page.x0 <= box.x0 and box.x1 <= page.x1, text.get_text()
        assert page.y0 <= box.y0 and box.y1 <= page.y1, text.get_text()


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_no_two_texts_overlap(plot, table, words):
    ax = plot(table, words)
    renderer = draw(ax)
    boxes = [t.get_window_extent(renderer).shrunk(0.98, 0.9) for t in ax.texts]
    for n, box in enumerate(boxes):
        for m in range(n):
            assert not box.overlaps(boxes[m]), (texts(ax)[n], texts(ax)[m])


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_small_on_a_phone_still_readable(plot, table):
    ax = plot(table, RU)
    assert ax.figure.get_figwidth() * 72 <= 410  # at 400 px a point is about a pixel
    assert min(t.get_fontsize() for t in ax.texts) >= 10


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_same_table_same_bytes_and_table_untouched(plot, table):
    before = table.copy()
    one = show_figure(plot(table, RU), "alt")
    two = show_figure(plot(table, RU), "alt")
    assert one == two
    pd.testing.assert_frame_equal(table, before)


def test_showing_twice_gives_the_same_bytes():
    ax = plot_funnel(make_funnel(), RU)
    assert show_figure(ax, "alt") == show_figure(ax, "alt")


def test_a_picture_stands_in_a_page_in_its_font_and_touches_nothing_else():
    shown = show_figure(plot_funnel(make_funnel(), RU), "Воронка")._repr_html_()
    svg = ElementTree.fromstring(re.search("<svg.*</svg>", shown)[0])
    assert svg.get("role") == "img" and svg.get("aria-label") == "Воронка"
    assert "width:100%" in svg.get("style") and svg.get("viewBox").startswith("0 0 403.2 ")
    assert "font-family:inherit" in svg.get("style") and shown.count("font-family") == 1
    assert "background:#fff" in svg.get("style")  # also in a dark notebook
    assert not {e.tag for e in svg.iter()} - {"svg", "path", "text"}
    assert not re.search(r"""\bid=|url\(|href|<style|<metadata|clip-path|xmlns""", shown)
    assert "Оставил заявку</text>" in shown  # can be found and read out


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text_in_a_well_formed_picture(name):
    words = Words("en", {"ask": name, "pay": name})
    table = make_funnel()
    picture = show_figure(plot_funnel(table, words), f"{name} is lost.")
    svg = ElementTree.fromstring(picture.svg)
    assert {e.tag for e in svg.iter()} == {"svg", "path", "text"}
    assert len(picture.svg) < 30_000 and len(picture.alt) <= MOST_ALT
    assert not re.search("[\x00-\x08\x1b\u202a-\u202e]", picture.svg)
    said = "".join("".join(e.itertext()) for e in svg)
    assert re.sub(r"\s", "", drop_controls(name))[:20] in re.sub(r"\s", "", said)


def test_texts_end_where_they_are_aligned_in_any_font():
    """Whatever is set to the right, or in the middle, says so: the page's font is another."""
    ax = plot_funnel(make_funnel(), EN)
    svg = ElementTree.fromstring(show_figure(ax, "alt").svg)
    ends = {e.text: e.get("text-anchor", "start") for e in svg.iter("text")}
    assert ends["900 · 90.0%"] == ends["of 1,000 who entered"] == "end"
    assert ends["Read it"] == ends["reached"] == "start"
    assert all("\n" not in t.get_text() for t in ax.texts if t.get_ha() != "left")


def test_an_alternative_text_is_the_first_sentences():
    told = "One of two bought. " + "And more is told. " * 20
    assert show_figure(plot_funnel(make_funnel(), EN), told).alt == shorten(told)
    assert shorten(told).startswith("One of two bought.") and shorten(told).endswith("is told.")
    assert MOST_ALT - 20 < len(shorten(told)) <= MOST_ALT
    assert len(shorten("x" * 10_000)) <= MOST_ALT and len(shorten("so " * 1000)) <= MOST_ALT


def test_picture_needs_words():
    with pytest.raises(ValueError, match="alternative text"):
        show_figure(plot_funnel(make_funnel(), EN), "  ")


def test_settings_are_left_alone():
    before = {key: mpl.rcParams[key] for key in looks.STYLE}
    show_figure(plot_funnel(make_funnel(), EN), "alt")
    assert {key: mpl.rcParams[key] for key in before} == before


def test_height_grows_with_the_steps():
    short = plot_funnel(make_funnel().head(2), EN).figure.get_figheight()
    assert plot_funnel(make_funnel(), EN).figure.get_figheight() > short + 0.8


def test_dollars_are_no_formula():
    ax = plot_funnel(make_funnel(), Words("en", {"ask": "From $5 to $6_{"}))
    assert "From $5 to $6_{" in texts(ax)
    show_figure(ax, "alt")


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_several_segments_are_refused(plot, table):
    two = pd.concat([table, table.assign(segment="s1")])
    with pytest.raises(InputError, match=r"2 segments \(all, s1\)"):
        plot(two, EN)


def test_colours_keep_their_distance():
    for text in (ACCENT, WENT_ON, INK, MUTED):
        assert contrast(text, GROUND) >= 4.5, text  # WCAG AA
    for ground in (NOT_ASKED, ASKED, UNKNOWN, OPEN, UNSEEN):
        assert contrast(INK, ground) >= 4.5, ground
    assert contrast(ACCENT, PALE_ACCENT) >= 4.5
    assert contrast("white", WENT_ON) >= 4.5


@pytest.mark.parametrize(
    "parts",
    [
        (WENT_ON, NOT_ASKED, ASKED, UNKNOWN, OPEN),
        (WENT_ON, UNSEEN, OPEN),
        (WENT_ON, UNSEEN, PALE_ACCENT),
        (WENT_ON, PALE_ACCENT),
        (WENT_ON, UNKNOWN, OPEN),
        (MUTED, PALE_ACCENT),
    ],
)
def test_parts_that_stand_beside_each_other_are_told_apart_in_grey(parts):
    """Any of the parts between may be missing, so that all differ from each other; those of one
    order, lighter by the part."""
    steps = np.diff([light(part) for part in parts])
    assert (steps >= 0.12).all(), steps


def test_wrap_breaks_between_words_first():
    assert canvas.wrap_text("Оставил заявку", 400) == "Оставил заявку"
    lines = canvas.wrap_text(LONG["read"], 150).split("\n")
    assert " ".join(lines) == LONG["read"]
    assert all(canvas.measure_width(line, 11) <= 150 for line in lines)
