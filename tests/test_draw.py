"""Figures: the numbers of the tables stand on them, readable, and the same every time."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure

from funnel_lib.core.errors import InputError
from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas, looks
from funnel_lib.drawing.canvas import show_figure
from funnel_lib.drawing.funnels import plot_funnel
from funnel_lib.drawing.looks import ACCENT, BLUE, GREY, INK, LIGHT, MUTED
from funnel_lib.sections.after_sale.draw import plot_after_sale
from funnel_lib.sections.necessity.draw import plot_necessity
from funnel_lib.sections.rules.draw import plot_rules
from funnel_lib.sections.stages.draw import picture_pipeline

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
    """(left, width) of the bars of a colour, top to bottom."""
    found = [p for p in ax.patches if same_color(p.get_facecolor(), colour)]
    return [(p.get_x(), p.get_width()) for p in sorted(found, key=lambda p: p.get_y())]


def row_of(ax, text):
    """The y of the row whose name or number it is."""
    return next(t for t in ax.texts if t.get_text() == text).xy[1]


def draw(ax):
    paper = FigureCanvasAgg(ax.figure)
    paper.draw()
    return paper.get_renderer()


def contrast(one, other):
    """WCAG 2.2 contrast ratio, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""

    def light(colour):
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

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
def test_a_given_title_keeps_clear_of_its_base(words, title):
    ax = plot_funnel(make_funnel(), words, title=title)
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


def test_a_title_stands_where_there_is_nothing_to_draw():
    said = texts(plot_funnel(make_funnel().head(0), EN, title="Without approval"))
    assert "Without approval" in said and "nothing to draw" in said


def test_funnel_bars_hold_the_parts():
    ax = plot_funnel(make_funnel(), EN)
    assert bars(ax, BLUE) == [(0, 1000), (0, 750), (0, 400)]
    assert bars(ax, LIGHT) == [(750, 150)]
    assert bars(ax, GREY) == [(900, 20), (400, 60)]
    ends = [line.get_xdata().tolist() for line in ax.lines]
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
    assert bars(ax, ACCENT) == [(400, 500)]
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
    assert bars(ax, ACCENT) == []
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
    too_young = plot_after_sale(after.assign(horizon_days=0.0), EN)
    assert EN.text("figure.nothing") in texts(too_young)


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
    assert bars(ax, BLUE) == [(0, 40), (0, 19)]
    assert bars(ax, LIGHT) == [(19, 19)]
    assert "self-reported" in said


def test_key_names_only_what_is_drawn():
    ax = plot_necessity(make_necessity().assign(self_reported_share=0), EN)
    assert "self-reported" not in texts(ax)


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_empty_tables_and_zeros_say_so(plot, table):
    for words, nothing in ((EN, "nothing to draw"), (RU, "нечего показать")):
        zeros = table.copy()
        counts = [c for c in table if c.startswith("n_")]
        zeros[counts] = 0.0
        zeros[[c for c in table if "share" in c or c in ("low", "high")]] = np.nan
        for less in (table.head(0), zeros):
            assert nothing in texts(plot(less, words))


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


def test_picture_carries_its_words():
    data, metadata = show_figure(plot_funnel(make_funnel(), RU), "Воронка")._repr_mimebundle_()
    assert data["image/svg+xml"].startswith("<svg ")
    assert metadata == {"image/svg+xml": {"alt": "Воронка"}}
    assert "<metadata" not in data["image/svg+xml"]  # no date, no version: repeatable
    assert "Оставил заявку</text>" in data["image/svg+xml"]  # can be found and read out


def test_funnels_side_by_side_carry_their_titles_and_shares():
    shares = "Asked 100.0%; Read it 90.0%; Stated the need —; Paid 40.0%"
    pipeline = pd.concat([make_funnel().assign(rule=r, story="steps") for r in ("passed", "any")])
    (picture,) = picture_pipeline(pipeline, EN)
    assert picture.alt == f"By client steps: {shares}"
    assert picture_pipeline(pipeline.head(0), EN) == []


def test_picture_needs_words():
    with pytest.raises(ValueError, match="alternative text"):
        show_figure(plot_funnel(make_funnel(), EN), "  ")


def test_given_axes_are_used_and_settings_left_alone():
    before = {key: mpl.rcParams[key] for key in looks.STYLE}
    ax = Figure().subplots()
    assert plot_funnel(make_funnel(), EN, ax) is ax
    assert {key: mpl.rcParams[key] for key in before} == before
    show_figure(ax, "alt")
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
    for text, ground in (
        (ACCENT, "white"), (BLUE, "white"), (INK, "white"), (MUTED, "white"), (INK, GREY),
    ):  # fmt: skip
        assert contrast(text, ground) >= 4.5, (text, ground)  # WCAG AA
    assert contrast(BLUE, LIGHT) > 3  # the two parts of a bar, also in print


def test_wrap_breaks_between_words_first():
    assert canvas.wrap_text("Оставил заявку", 400) == "Оставил заявку"
    lines = canvas.wrap_text(LONG["read"], 150).split("\n")
    assert " ".join(lines) == LONG["read"]
    assert all(canvas.measure_width(line, 11) <= 150 for line in lines)
