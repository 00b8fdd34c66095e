"""Figures as SVG that stands in the page itself, its texts in the page's font."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from matplotlib import style
from matplotlib.axes import Axes

from funnel_lib.core.errors import drop_controls
from funnel_lib.core.html import render, shield
from funnel_lib.drawing.looks import GROUND, STYLE, WIDEST

MOST_ALT = 200  # letters of what those hear who cannot see a figure
# No date, and no addresses that would look like outside requests.
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_ROOT = (
    f"display:block;width:100%;max-width:{WIDEST}px;height:auto;background:{GROUND};"
    "font-family:inherit;font-variant-numeric:tabular-nums;"
    "stroke-linejoin:round;stroke-linecap:butt"
)
_NUMBER = re.compile(r"-?\d*\.\d{3,}")
_MOVE, _TURN = re.compile(r"translate\((\S+) (\S+)\)"), re.compile(r"rotate\(-?0 [^)]*\)")
_KEPT = {"d", "x", "y", "transform", "width", "height"}  # attributes that need no style
_NO_CHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")  # XML has none of them
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class Picture:
    """A finished figure that a notebook and a page show, and its words for who cannot see it."""

    svg: str = field(repr=False)
    alt: str

    def __html__(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return shield(render("figure", picture=self).html)


def show_figure(ax: Axes, alt: str) -> Picture:
    """Turn a figure into a picture that a notebook shows, the same to the byte every time.

    Parameters
    ----------
    ax : the axes that a `plot_` function returned
    alt : what the figure shows, in words, e.g. the sentences of its table, of which the first are
        taken, up to 200 letters; ValueError if empty

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> show_figure(Figure().subplots(), "An empty figure.")
    Picture(alt='An empty figure.')
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text: say in words what it shows")
    drawing = io.StringIO()
    with style.context(["default", STYLE]), quiet_fonts():
        ax.figure.savefig(drawing, format="svg", metadata=_NO_METADATA)
    svg, alt = _clean(drawing.getvalue()), shorten(_clean(alt))
    return Picture(_write(ElementTree.fromstring(svg[svg.index("<svg") :]), alt), alt)


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """Do not warn of letters that the font of measuring lacks: the page's font may have them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _clean(text: str) -> str:
    return _NO_CHARACTERS.sub("", drop_controls(text))


def shorten(told: str, most: int = MOST_ALT) -> str:
    """The first sentences that fit, or as much of the first as does.

    >>> shorten("One of two. Then the other.", 12), shorten("One of two.", 8)
    ('One of two.', 'One of …')
    """
    first, *others = _SENTENCE.split(told.strip())
    for sentence in others:
        if len(first) + 1 + len(sentence) > most:
            break
        first = f"{first} {sentence}"
    if len(first) <= most:
        return first
    return f"{first[: most - 1].rpartition(' ')[0] or first[: most - 2]} …"


def _write(drawn: Element, alt: str) -> str:
    """Write what matplotlib drew as an `svg` that may stand in any page.

    It has no ids, which could meet those of another figure, no style sheet, which would be the
    page's, and no font.
    """
    for element in drawn.iter():
        element.tag = element.tag.rpartition("}")[2]
    marks = {e.get("id"): e for defs in drawn.iter("defs") for e in defs if e.get("id")}
    root = {"role": "img", "aria-label": alt, "viewBox": drawn.get("viewBox"), "style": _ROOT}
    svg = Element("svg", root)
    _copy(drawn, svg, marks)
    return ElementTree.tostring(svg, "unicode")


def _copy(drawn: Element, to: Element, marks: dict[str, Element]) -> None:
    """Copy the shapes and texts within an element, without the groups around them."""
    for element in drawn:
        if element.tag == "use":
            _place(element, to, marks)
        elif element.tag in ("path", "rect", "text"):
            shown = Element(element.tag, _describe(element))
            if shown.get("fill") != "none" or "stroke" in shown.attrib:
                shown.text = element.text
                to.append(shown)
        elif element.tag != "defs":
            _copy(element, to, marks)


def _place(use: Element, to: Element, marks: dict[str, Element]) -> None:
    """Draw a mark where it is used."""
    mark = next(marks[v[1:]] for k, v in use.attrib.items() if k.endswith("href"))
    look = _describe(mark) | _describe(use)
    x, y = look.pop("x", "0"), look.pop("y", "0")
    to.append(Element("path", look | {"transform": f"translate({x} {y})"}))


def _describe(element: Element) -> dict[str, str]:
    """Its attributes, what its style says among them."""
    look = {k: v for k, v in element.attrib.items() if k in _KEPT}
    for rule in element.get("style", "").split(";"):
        name, _, value = rule.partition(":")
        if name.strip() and name.strip() not in ("font-family", "stroke-dashoffset"):
            look[name.strip()] = value.strip()
    if moved := _MOVE.fullmatch(look.get("transform", "")):
        look |= {"x": moved[1], "y": moved[2]}
        del look["transform"]
    elif _TURN.fullmatch(look.get("transform", "")):
        del look["transform"]
    if look.get("text-anchor") == "start":
        del look["text-anchor"]
    return {k: _NUMBER.sub(_round, " ".join(v.split())) for k, v in look.items()}


def _round(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".") or "0"
