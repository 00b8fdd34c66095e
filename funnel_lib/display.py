"""Tables and sentences as a notebook shows them and a report prints them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape

import pandas as pd

from funnel_lib.hypothesis_findings import (
    list_beyond,
    name_segment,
    tell_gain,
    tell_nothing,
    tell_plan,
)
from funnel_lib.labels import Words, label_table
from funnel_lib.segment_findings import tell_path, tell_traits

MOST_ROWS = 20


@dataclass(frozen=True)
class Html:
    """A piece of HTML, safe to show: everything from the data is escaped."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def show_table(
    table: pd.DataFrame, words: Words, columns: list[str] | None = None, file: str = ""
) -> Html:
    """Show a table for reading: titles, names and numbers in the reader's language.

    Parameters
    ----------
    table : a tidy frame
    words : the reader's language
    columns : which columns to show, in order; columns of money are written with their currency
    file : where the whole table lies, named when only the first `MOST_ROWS` rows are shown

    Examples
    --------
    >>> show_table(pd.DataFrame({"step": ["<b>"], "n_reached": [2.0]}), Words("en")).html
    '<div class="table"><table><thead><tr><th>Client step</th><th class="number">Reached</th>...
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    shown = table.head(MOST_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(table[c].dtype) for c in columns or table.columns]
    shown = _with_currency(shown, words)
    labelled = label_table(shown[columns] if columns else shown, words)
    head = "".join(_cell("th", c, n) for c, n in zip(labelled.columns, numeric, strict=True))
    rows = "".join(
        "<tr>" + "".join(_cell("td", x, n) for x, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in labelled.itertuples(index=False)
    )
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    hidden = len(table) - len(shown)
    if hidden:
        key = "chrome.more_rows" if file else "chrome.more_hidden"
        more = words.text(key, n=hidden, **({"file": file} if file else {}))
        html += f'<p class="more">{escape(more)}</p>'
    return Html(f'<div class="table">{html}</div>')


def show_matrix(table: pd.DataFrame, words: Words, rows: str, columns: str, value: str) -> Html:
    """Show counts of two kinds of things crossed, the larger a count the darker its cell.

    Parameters
    ----------
    table : a tidy frame, one row a cell that is not empty
    words : the reader's language
    rows, columns, value : names of its columns; rows keep the order of the table, columns are steps
        in the order of the steps file

    Examples
    --------
    >>> table = pd.DataFrame({"stage": ["Sent"], "missed_step": ["read"], "n_lost": [3]})
    >>> show_matrix(table, Words("en"), "stage", "missed_step", "n_lost").html.count("<td")
    2
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    known = {step: n for n, step in enumerate(words.step_names)}
    steps = sorted(table[columns].unique(), key=lambda step: known.get(step, len(known)))
    wide = table.pivot_table(value, rows, columns, aggfunc="sum", fill_value=0)
    wide = wide.reindex(index=table[rows].drop_duplicates(), columns=steps)
    most = max(wide.to_numpy().max(), 1)
    head = _cell("th", words.column(rows), False)
    head += "".join(_cell("th", words.value(columns, c), True) for c in wide.columns)
    body = ""
    for name, counts in wide.iterrows():
        cells = "".join(
            f'<td class="number" style="background:rgba(184,74,0,{0.6 * n / most:.2f})">'
            f"{escape(words.number(n)) if n else ''}</td>"
            for n in counts
        )
        body += f"<tr>{_cell('td', words.value(rows, name), False)}{cells}</tr>"
    table_html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return Html(f'<div class="table">{table_html}</div>')


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once; nothing where there is none.

    Examples
    --------
    >>> show_text("1 < 2").html
    '<p class="finding">1 &lt; 2</p>'
    """
    if isinstance(told, str):
        return Html(f'<p class="{kind}">{escape(told)}</p>')
    items = "".join(f"<li>{escape(t)}</li>" for t in dict.fromkeys(told))
    return Html(f'<ol class="{kind}">{items}</ol>' if told else "")


def show_cards(tables: dict[str, pd.DataFrame], words: Words) -> Html:
    """Show each segment as a card: its path as a row of steps, size, buyers, trust, what it does.

    Parameters
    ----------
    tables : the audit's tables: segments, funnel, and those of the segments
    words : the reader's language

    Returns
    -------
    Html. A step's bar is its share of those who entered; a dashed step is optional. The styles
    stand in the HTML itself, so that a card looks the same in a notebook.
    """
    cards = [_card(row, tables, words) for row in tables["segments"].itertuples()]
    return Html("".join(cards))


def show_hypotheses(
    hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words, most: int = 5
) -> Html:
    """Show the hypotheses with most at stake as cards, a step each: gain, levers, test.

    Parameters
    ----------
    hypotheses, segments : the audit's tables
    words : the reader's language
    most : how many cards

    Returns
    -------
    Html. A step whose gain cannot be told, or is not beyond chance, has no card.

    Examples
    --------
    >>> nothing = pd.DataFrame({"segment": [], "step": [], "currency": [], "extra_won": [],
    ...                         "low": []})
    >>> show_hypotheses(nothing, pd.DataFrame(), Words("en")).html[:48]
    '<p class="finding">What to change first cannot b'
    """
    key = ["segment", "step", "currency"]
    steps = [rows for _, rows in list_beyond(hypotheses).groupby(key, sort=False)][:most]
    if not steps:
        return show_text(tell_nothing(hypotheses, words))
    cards = [_hypothesis(n, rows, segments, words) for n, rows in enumerate(steps, 1)]
    return Html("".join(cards))


def show_row(pictures: list) -> Html:
    """Show pictures side by side where the page is wide enough, else one below the other.

    Parameters
    ----------
    pictures : what `show_figure` returns

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from funnel_lib.canvas import show_figure
    >>> show_row([show_figure(Figure().subplots(), "An empty figure.")] * 2).html.count("<img")
    2
    """
    figures = "".join(
        f'<figure style="flex:1 1 330px;margin:0;max-width:480px"><img style="width:100%" '
        f'src="data:image/svg+xml;base64,{b64encode(p.svg.encode()).decode()}" '
        f'alt="{escape(p.alt)}"></figure>'
        for p in pictures
    )
    return Html(f'<div style="{_FLEX}gap:24px">{figures}</div>')


_FLEX = "display:flex;flex-wrap:wrap;align-items:flex-start;"
_CARD = "border:1px solid #dde3ea;border-radius:8px;padding:12px 16px;margin:14px 0"


def _card(row, tables: dict[str, pd.DataFrame], words: Words) -> str:
    """Write one segment's card."""
    name = words.value("name", row.name)
    facts = words.text(
        "sentence.card",
        n_leads=words.text("sentence.leads", n=row.n_leads),
        share=words.share(row.share_of_leads),
        won=words.share(row.share_won),
        span=words.span(row.low, row.high),
        unsure=row.n_undetermined,
    )
    told, mine = [], {n: t[t["segment"] == row.segment] for n, t in tables.items() if n in _OF_CARD}
    if "segment_paths" in mine:
        told += [tell_path(mine["segment_paths"], words)]
    for step in mine.get("segment_parting", pd.DataFrame({"last_step": []}))["last_step"].dropna():
        told.append(words.text("sentence.before_parting", step=words.step(step)))
    if len(mine.get("segment_traits", ())):
        told += [tell_traits(mine["segment_traits"], words)]
    for lead in mine.get("segment_examples", pd.DataFrame()).itertuples():
        journey = words.value("journey", lead.journey)
        told.append(words.text("sentence.card_example", lead=str(lead.lead_id), journey=journey))
    if row.trust:
        stability = words.number(row.stability, 2)
        trust = words.value("trust", row.trust)
        told.append(words.text("sentence.card_trust", trust=trust, stability=stability))
    told = "".join(f'<p style="margin:4px 0">{escape(t)}</p>' for t in told)
    return (
        f'<section style="{_CARD}">'
        f'<h3 style="margin:0">{escape(name[:1].upper() + name[1:])}</h3>'
        f'<p style="margin:2px 0 8px">{escape(facts)}</p>'
        f'<div style="{_FLEX}gap:6px 4px;margin:0 0 8px">{_chips(mine, words)}</div>'
        f"{told}</section>"
    )


_OF_CARD = ("funnel", "segment_paths", "segment_parting", "segment_traits", "segment_examples")


def _hypothesis(n: int, rows: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
    """Write one step's card: its levers are its rows."""
    first = rows.iloc[0]
    title = f"{n}. {words.step(first['step'])}"
    if len(segments) > 1:
        title += f" · {name_segment(first['segment'], segments, words)}"
    told = [
        words.text(
            "sentence.hypothesis_now",
            n=first["n_decided"],
            share=words.share(first["share_now"]),
            reference=words.value("reference", first["reference"]),
            target=words.share(first["share_reference"]),
        ),
        words.text(
            "sentence.hypothesis_gain",
            won=words.number(first["step_won"], 1),
            gain=tell_gain(first, words, part="step_"),
            month=tell_gain(first, words, first["months"], "step_"),
        ),
    ]
    for lever, row in rows.set_index("lever").iterrows():
        key = "sentence.hypothesis_ask" if lever == "ask" else "sentence.hypothesis_help"
        told.append(words.text(key, n=row["n_lost"], gain=tell_gain(row, words)))
    told.append(tell_plan(first, words))
    told = "".join(f'<p style="margin:4px 0">{escape(t)}</p>' for t in told)
    return f'<section style="{_CARD}"><h3 style="margin:0">{escape(title)}</h3>{told}</section>'


def _chips(mine: dict[str, pd.DataFrame], words: Words) -> str:
    """Write the path as a row of steps, each with its share of those who entered as a bar."""
    steps = mine["funnel"][mine["funnel"]["part"] == "before_sale"]
    optional = set()
    if "segment_paths" in mine:
        optional = set(mine["segment_paths"].query("is_optional")["step"])
    chips = []
    for step, share in zip(steps["step"], steps["share_of_entered"], strict=True):
        filled = 0 if pd.isna(share) else round(100 * share)
        style = (
            f"border:1px {'dashed' if step in optional else 'solid'} #0072b2;border-radius:5px;"
            f"padding:2px 7px;background:linear-gradient(90deg,#cfe4f3 {filled}%,#fff {filled}%)"
        )
        known = words.text("figure.not_measurable") if pd.isna(share) else words.share(share, 0)
        text = f"{escape(words.step(step))} <b>{escape(known)}</b>"
        chips.append(f'<span style="{style}">{text}</span>')
    arrow = '<span aria-hidden="true" style="padding:3px 0">→</span>'
    return arrow.join(chips)


def _cell(tag: str, text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    return f"<{tag}{kind}>{escape(str(text))}</{tag}>"


def _with_currency(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write amounts with the currency of their row."""
    if "currency" not in table:
        return table
    written = {
        c: [
            words.money(x, "" if pd.isna(k) else k)
            for x, k in zip(table[c], table["currency"], strict=True)
        ]
        for c in table.columns
        if c.startswith(("amount", "extra_amount"))
    }
    return table.assign(**written)
