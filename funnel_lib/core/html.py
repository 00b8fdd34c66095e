"""HTML from templates, everything from the data escaped; and the card by which an object shows
itself in a notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_MARKS = ((re.compile(r"\*(.+?)\*"), r"<em>\1</em>"), (re.compile(r"`(.+?)`"), r"<code>\1</code>"))


@dataclass(frozen=True)
class Html:
    """A piece of HTML, safe to show: everything from the data is escaped."""

    html: str = field(repr=False)

    def __html__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        return shield(self.html)


def shield(html: str) -> str:
    """Keep a notebook from reading the text between two dollar signs as a formula."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'


def render(template: str, /, **values: Any) -> Html:
    """Fill a template of this folder; texts among the values are escaped, `Html` is not.

    Examples
    --------
    >>> render("failed", told="No part", why="<b>").html
    '<p class="failed"><strong>No part</strong> &lt;b&gt;</p>'
    """
    return Html(_read_templates().get_template(f"{template}.html.j2").render(values).strip())


class Card:
    """An object that shows itself as a short card in a notebook, and in a line elsewhere."""

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its title, what is said of it, and facts with their names."""
        raise NotImplementedError

    def __repr__(self) -> str:
        title, told, _ = self.describe()
        return f"<{type(self).__name__}: {' '.join(told) or title}>"

    def _repr_html_(self) -> str:
        title, told, facts = self.describe()
        return shield(render("object", title=title, told=told, facts=facts).html)


@cache
def _read_templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters["marked"] = _mark
    found.filters["unbroken"] = _keep_spans
    return found


def _keep_spans(text: str) -> Html:
    """Escape a text, and keep both ends of a span such as 74–84% on one line."""
    keep = r'<span style="white-space:nowrap">\g<0></span>'
    return Html(re.sub(r"[\d.,]+–[\d.,]+(?:\s?%)?", keep, escape(text)))


def _mark(text: str) -> Html:
    """Escape a text of ours, then take `*words*` and code in backticks for what they mean."""
    marked = escape(text)
    for pattern, html in _MARKS:
        marked = pattern.sub(html, marked)
    return Html(marked)
