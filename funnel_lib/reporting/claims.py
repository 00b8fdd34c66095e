"""What a report claims: each sentence with a number, and the rows of the tables it was told from.

``python -m funnel_lib.reporting.claims DIR`` holds every number that a report's sentences name
against them.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from funnel_lib.core.errors import SectionError, describe_error
from funnel_lib.core.tables import find_column
from funnel_lib.core.words import Note, Words, noting
from funnel_lib.reporting.page_one import show_page_one, tell_whole
from funnel_lib.sections import list_sections
from funnel_lib.sections.section import Answer, Source

FIRST = "page_one"
MOST_ROWS = 5  # that a claim names
# Counts that a share may be of, where its column does not say so: the first that a text was given.
_BASES = (
    "n_base", "n_decided", "n_lost", "n_won", "n_entered", "n_reached", "n_leads", "of", "n",
)  # fmt: skip
_CLOSE = 1e-9  # relative
_NUMBER = re.compile(r"\d+(?:[.,\xa0\u202f]\d+)*")
_PLACE = re.compile(r"{[\w:]+}")
# Not read for sentences: figures, tables, how to read them, what people added, the page's frame.
_UNREAD = {"table", "svg", "style", "head", "nav", "footer", "aside", "pre"}
_UNREAD_CLASSES = {"tree", "how_to_read", "change_our_mind", "code", "more", "eyebrow"}
_INLINE = {"a", "b", "code", "em", "i", "span", "strong"}
_EMPTY = {"br", "hr", "img", "link", "meta"}

Claim = dict[str, Any]


class _Read(dict):
    """Tables by name, that tell which of them were asked for."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        super().__init__(tables)
        self.asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        self.asked[name] = None
        return super().__getitem__(name)

    def __or__(self, other: Mapping[str, pd.DataFrame]) -> _Read:
        both = _Read({**self, **other})
        both.asked = self.asked
        return both


def list_claims(audit: Source) -> list[Claim]:
    """List what an audit tells in sentences with numbers, page one first.

    A claim is a text of the locale files as it was written, or a number by itself: `section`,
    `sentence`, `text` (its key), `values` (of each place the value, and how it is written), and
    `parts`, claims that stand within it. Where a table of the section (of page one: any) has rows
    in which every place that is called like a column has its value, `table` names the one that has
    most such columns, `rows` at most five rows of its CSV (the first below the titles is 0),
    `n_rows` how many there are, `columns` those columns. Otherwise `rows` is empty: the numbers
    were counted from several rows of `tables`, those that the section was told from.

    `base` is the count that a share is of, as its column says, else the first count of `_BASES`
    that the text was given; `interval` are the ends of an interval that the text tells.

    Raises
    ------
    SectionError
        A section cannot be told.
    """
    rows = _Rows(audit.tables)
    claims, failed = [], {}
    answers = [show_page_one(audit)]
    for section in list_sections():
        if not Answer(section, audit).is_silent():
            answers += [Answer(part, audit) for part in section.walk()]
    for answer in answers:
        name, tables = answer.section.name, _Read(audit.tables)
        try:
            with noting() as notes:
                told = _tell(replace(answer, source=replace(audit, tables=tables)))
                told = [_tidy(text) for text in told]
        except Exception as error:
            failed[name] = describe_error(error)
            continue
        asked = [*dict.fromkeys([*tables.asked, *answer.section.tables])]
        for at in _cover(told, notes):
            claim = _write_claim(at, notes, rows, asked)
            if not claim["text"]:
                written = claim["sentence"]
                within = [text for text in told if _remove(text, written) != text]
                claim["sentence"] = min(within, key=len)
            claims.append({"section": name} | claim)
    if failed:
        raise SectionError(failed)
    return claims


def _tell(answer: Answer) -> list[str]:
    """What a section says in words, its title and cards with it."""
    section, source = answer.section, answer.source
    words = source.words()
    if section.name == FIRST:
        return tell_whole(source)
    told = [section.title(source, words)] if section.title else []
    told += answer.tell()
    if section.in_words and section.draw and (drawn := section.draw(source, words)) is not None:
        told += [text for _, text in _read_page(drawn.html)]
    return told


def _cover(told: list[str], notes: list[Note]) -> list[int]:
    """Which notes do these texts consist of, as far as they hold numbers? The longest first, each
    by what the longer ones leave."""
    left = "\n".join(filter(_NUMBER.search, told))
    first = {}
    for at, note in enumerate(notes):
        if _NUMBER.search(note.written):
            first.setdefault((_tidy(note.written), note.key), at)
    kept = []
    for written, key in sorted(first, key=lambda one: (-len(one[0]), not one[1])):
        if (without := _remove(left, written)) != left:
            left = without
            kept.append(first[written, key])
    return sorted(kept)


def _remove(text: str, written: str) -> str:
    """Take what was written out of a text, but for a part of a longer number."""
    if written not in text:
        return text
    begin = r"(?<!\d)(?<!\d[.,\xa0\u202f])" if written[0].isdigit() else ""
    end = r"(?![.,\xa0\u202f]?\d)" if written[-1].isdigit() else ""
    return re.sub(begin + re.escape(written) + end, "\n", text)


def _tidy(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def _write_claim(at: int, notes: list[Note], rows: _Rows, asked: list[str]) -> Claim:
    note = notes[at]
    table, found, columns = rows.find(note, asked)
    texts = [x for x, _ in note.places.values() if note.key and isinstance(x, str)]
    parts = [n for n in _cover(texts, notes[:at]) if notes[n].key or not notes[n].written.isdigit()]
    return {
        "sentence": _tidy(note.written),
        "text": note.key,
        "values": {
            place: {"value": _simplify(x), "written": _tidy(written)}
            for place, (x, written) in note.places.items()
        },
        "table": table,
        "rows": found[:MOST_ROWS].tolist(),
        "n_rows": len(found),
        "columns": columns,
        "tables": [] if table else asked,
        "base": rows.find_base(note, table, found, columns),
        "interval": _find_interval(note),
        "parts": [_write_claim(n, notes, rows, asked) for n in parts],
    }


def _find_interval(note: Note) -> list | None:
    for place, (low, _) in note.places.items():
        high = f"{place[: -len('low')]}high"
        if (place == "low" or place.endswith("_low")) and high in note.places:
            return [_simplify(low), _simplify(note.places[high][0])]
    return None


class _Rows:
    """Finds the rows that sentences were told from."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        self.tables = tables
        self._cells: dict[tuple[str, str], np.ndarray] = {}

    def find(self, note: Note, names: list[str]) -> tuple[str, np.ndarray, list[str]]:
        """The table, the rows and the columns that have a text's values."""
        best = ("", np.array([], int), [])
        for name in names:
            table = self.tables[name]
            known = {p: x for p, (x, _) in note.places.items() if p in table and _is_scalar(x)}
            numbers = [place for place, x in known.items() if _is_number(x)]
            if not numbers or len(known) <= len(best[2]):
                continue
            hits = np.logical_and.reduce([self._compare(name, p, known[p]) for p in numbers])
            columns = [*numbers]
            for place in [p for p in known if p not in numbers] if hits.any() else []:
                same = self._compare(name, place, known[place])
                if same.any():  # else it was written before it came into the sentence
                    hits, columns = hits & same, [*columns, place]
            if "segment" in table and "segment" not in note.given:
                of_all = self._compare(name, "segment", "all")
                hits = hits & of_all if of_all.any() else hits
            for given, x in note.given.items():  # what else is known of the row
                if hits.sum() > 1 and given in table and given not in known and _is_scalar(x):
                    closer = hits & self._compare(name, given, x)
                    hits = closer if closer.any() else hits
            if hits.any() and len(columns) > len(best[2]):
                best = (name, np.flatnonzero(hits), columns)
        return best

    def find_base(
        self, note: Note, table: str, found: np.ndarray, columns: list[str]
    ) -> dict[str, Any] | None:
        """The count that a share among the values is of."""
        if not any("%" in written for _, written in note.places.values()):
            return None
        for column in columns:
            known = find_column(column, table)
            if known and known.base and known.base in self.tables[table]:
                counts = self.tables[table][known.base].iloc[found].unique()
                if len(counts) == 1:
                    return {"name": known.base, "value": _simplify(counts[0])}
        for name in _BASES:
            if _is_number(note.given.get(name)):
                return {"name": name, "value": _simplify(note.given[name])}
        return None

    def _compare(self, name: str, column: str, x: Any) -> np.ndarray:
        """Which rows have a value in a column?"""
        if (name, column) not in self._cells:
            cells = self.tables[name][column]
            is_number = is_numeric_dtype(cells) and not is_bool_dtype(cells)
            as_is = cells.to_numpy(object)
            self._cells[name, column] = (
                cells.to_numpy(float, na_value=np.nan) if is_number else as_is
            )
        cells = self._cells[name, column]
        if pd.isna(x):
            return pd.isna(cells)
        if cells.dtype == object:
            return np.asarray(cells == x, bool)
        if not _is_number(x):
            return np.zeros(len(cells), bool)
        return np.abs(cells - float(x)) <= _CLOSE * abs(float(x))


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float | np.number) and not isinstance(x, bool) and math.isfinite(x)


def _is_scalar(x: Any) -> bool:
    return x is None or pd.api.types.is_scalar(x)


def _simplify(x: Any) -> Any:
    """A value as JSON has it: missing is null, a time its ISO text, several a list."""
    if isinstance(x, np.generic | np.ndarray) and not x.ndim:
        x = x.item()
    if isinstance(x, str):
        return str(x)
    if not _is_scalar(x):
        return [_simplify(one) for one in x]
    if pd.isna(x):
        return None
    if isinstance(x, pd.Timestamp):
        return x.isoformat()
    return x if isinstance(x, int) or (isinstance(x, float) and math.isfinite(x)) else str(x)


# --- the checker ---------------------------------------------------------------------------------


def check_claims(html: str, claims: list[Claim]) -> list[str]:
    """Hold every number in the sentences of a report's page against its claims.

    A page consists of sentences of page one, and of each section: what stands in no claim of that
    section or of page one holds no number, and every number of a claim's sentence is one of its
    values as it is written, or the text's own, such as the 95 of an interval. Figures, tables and
    how to read them are left out. Gives back what it cannot find; nothing where all is there.
    """
    lang = re.search(r"<html lang=\"(\w+)\"", html)
    words = Words(lang[1] if lang else "en")
    top = {part.name: s.name for s in list_sections() for part in s.walk()}
    pieces: dict[str, dict[str, None]] = {}
    for claim in claims:
        own = pieces.setdefault(top.get(claim["section"], FIRST), {})
        own |= dict.fromkeys(_list_written(claim))
    problems = [
        f"{claim['section']}: {number} is no value of “{claim['sentence']}”"
        for claim in claims
        for number in _check_values(claim, words)
    ]
    intros = [re.sub("[*`]", "", words.find(f"intro.{name}")) for name in top]
    for section, text in _read_page(html):
        if _NUMBER.search(text) and not any(text in prose for prose in intros):
            known = pieces.get(section, {}) | pieces.get(FIRST, {})
            left = text
            for written in sorted(known, key=len, reverse=True):
                left = _remove(left, written)
            problems += [
                f"{section}: {x} of “{text}” is not claimed" for x in _NUMBER.findall(left)
            ]
    return problems


def _list_written(claim: Claim) -> list[str]:
    if claim["text"]:
        return [claim["sentence"]]
    return [value["written"] for value in claim["values"].values()]


def _check_values(claim: Claim, words: Words) -> list[str]:
    """The numbers of a claim's sentence that are neither its values nor its text's own."""
    if not claim["text"]:
        return []
    left = claim["sentence"]
    for written in sorted((v["written"] for v in claim["values"].values()), key=len, reverse=True):
        left = _remove(left, written) if written else left
    entry = words.find(claim["text"])
    forms = [*entry.values()] if isinstance(entry, dict) else [entry]
    own = {number for form in forms for number in _NUMBER.findall(_PLACE.sub("\n", form))}
    inside = [x for part in claim["parts"] for x in _check_values(part, words)]
    return [*(x for x in _NUMBER.findall(left) if x not in own), *inside]


def _read_page(html: str) -> list[tuple[str, str]]:
    """The texts of a page, or of a piece of one, each with the section that it stands in."""
    page = _Page()
    page.feed(html)
    page.close()
    page.end_text()
    return page.texts


class _Page(HTMLParser):
    """Collects the texts of a page, a block each."""

    def __init__(self):
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self._section, self._text, self._open = FIRST, "", []

    def handle_starttag(self, tag, attrs):
        if tag in _EMPTY:
            return
        about = dict(attrs)
        unread = tag in _UNREAD or _UNREAD_CLASSES & {*(about.get("class") or "").split()}
        self._open.append(bool(unread))
        if tag not in _INLINE:
            self.end_text()
        if tag in ("h2", "div") and about.get("id"):
            self._section = about["id"]

    def handle_endtag(self, tag):
        if tag not in _INLINE:
            self.end_text()
        if self._open and tag not in _EMPTY:
            self._open.pop()

    def handle_data(self, data):
        if not any(self._open):
            self._text += data

    def end_text(self):
        if text := _tidy(self._text):
            self.texts.append((self._section, text))
        self._text = ""


def write_claims(claims: list[Claim], path: Path) -> None:
    """Write claims, one a line."""
    lines = ",\n".join(json.dumps(claim, ensure_ascii=False) for claim in claims)
    path.write_text(f"[\n{lines}\n]\n" if claims else "[]\n", encoding="utf-8")


def main() -> int:
    """Check the report in a folder, and say what is not claimed."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    html, claims = (folder / name for name in ("report.html", "claims.json"))
    found = check_claims(html.read_text("utf-8"), json.loads(claims.read_text("utf-8")))
    print("\n".join(found) or "every number is claimed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
