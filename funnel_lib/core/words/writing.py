"""Words and numbers as Russian and English readers write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_compact_decimal

from funnel_lib.core.checked import FAST
from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.core.tables import Column, find_column
from funnel_lib.core.words.notes import SPANS, Note, find_notes, keeping_notes, noted
from funnel_lib.core.words.numbers import (
    HUGE,
    MINUS,
    NOTHING,
    find_plural_form,
    read_number,
    write_number,
)

_DIGITS = {"days": 1, "p_value": 3}  # of kinds; others are whole
_LEAST_P = 0.001
_WORDED = ("word", "name", "segment")
# Checks whose examples begin with a word of ours: its section of the locale, what follows it.
_EXAMPLES = {"personal_columns": ("mark", ": "), "recording_habits": ("group_by", "=")}
_PLACE = re.compile(r"{(\w+)(?::(\w+))?}")
_PERIOD = re.compile(r"([1-9]\d{3})-(?:Q([1-4])|(0[1-9]|1[0-2]))")
_QUARTERS = {"en": "QQQ y", "ru": "QQQQ y"}


@dataclass(frozen=True)
class Words:
    """How to write numbers, dates, steps and sentences for a reader.

    Steps are named by `step_names` (by id), segments by `segment_names` (by id, and by what the
    table `segments` calls them; see `Segmentation.add_names`), moments shown in `time_zone`; a lead
    has its card at `lead_url`, ``{id}`` in it standing for the lead. What
    is missing is "—", what has no end "∞".

    Examples
    --------
    >>> ru, en = Words("ru", {"paid": "Оплатил"}), Words("en")
    >>> ru.share(0.1234), ru.step("paid"), ru.days(2), ru.money(1_500_000, "RUB")
    ('12,3\\xa0%', 'Оплатил', '2 дня', '1,5\\xa0млн\\xa0₽')
    >>> en.share(0.1234), en.span(0.1, 0.25), en.number(1234.5, 1), en.money(999, "EUR")
    ('12.3%', '10.0–25.0%', '1,234.5', '€999')
    """

    lang: str = "en"
    step_names: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    segment_names: dict[str, str] = field(default_factory=dict)
    lead_url: str = ""
    step_asks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        if self.lang not in LANGUAGES:
            raise InputError([f"no language {self.lang!r}; there are {', '.join(LANGUAGES)}"])

    def text(self, key: str, **values: Any) -> str:
        """Write a sentence or word of the locale file, by its section and name there.

        A place names a value and how it is written, so that a row of a table suffices:
        ``{share:share}``, ``{step:step}``, ``{gain:points}``. Kinds are the methods `count`,
        `decimal`, `hundredths`, `share`, `percent`, `points`, `money` (of the `currency` among the
        values), `days`, `within`, `hours`, `date`, `period`, `step`, `steps` and `quoted`; every
        text of the locale's section `count`, with its plural forms (``{n_lost:leads}``); every
        column of the registry (``{check:check}``). ``{share:span}`` is the interval of `share`,
        from the values `share_low` and `share_high`, else from `low` and `high`; likewise
        `points_span`. A place without a kind is a text, or a count.

        Of an entry with several forms the number that it names under `by`, else `n`, chooses one. A
        `KeyError` (no such text, or a place of it without a value) is a bug, not the input's fault.

        Examples
        --------
        >>> row = {"step": "paid", "n_reached": 3, "share_of_entered": 0.25, "low": 0.1,
        ...        "high": 0.41}
        >>> Words("en", {"paid": "Paid"}).text("sentence.after_sale_part", **row)
        '“Paid” 25.0% (95% interval 10.0–41.0%; shown by 3 so far)'
        """
        entry = _read_texts(self.lang).get(key)
        if entry is None:
            raise KeyError(f"no text {key!r} in locale/{self.lang}.yml{suggest(key, _keys())}")
        if isinstance(entry, dict):
            n = values[entry.get("by", "n")]
            entry = entry.get(find_plural_form(self.lang, n), entry["other"])
        notes = find_notes()
        if notes is None:
            return _PLACE.sub(lambda place: self._fill(*place.groups(), values), entry)
        places: dict[str, tuple[Any, str]] = {}
        with keeping_notes(None):
            written = _PLACE.sub(lambda place: self._note(*place.groups(), values, places), entry)
        notes.append(Note(key, written, values, places))
        return written

    def find(self, key: str) -> str:
        """A text without places; empty where there is none."""
        return _read_texts(self.lang).get(key, "")

    def each(self, key: str, rows: pd.DataFrame | Iterable[Mapping], between: str = "; ") -> str:
        """Write a text for each row of a table, one after the other."""
        rows = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
        return between.join(self.text(key, **row) for row in rows)

    def _note(
        self, name: str, kind: str | None, values: Mapping[str, Any], places: dict[str, tuple]
    ) -> str:
        """Write one place of a text, and note its value, or both ends of an interval."""
        written = self._fill(name, kind, values)
        for end in _find_ends(name, values) if kind in SPANS else (name,):
            other = end in places and places[end][1] != written  # in two ways
            places[f"{end}:{kind}" if other else end] = (values[end], written)
        return written

    def _fill(self, name: str, kind: str | None, values: Mapping[str, Any]) -> str:
        """Write one place of a text."""
        if kind in SPANS:
            low, high = (values[end] for end in _find_ends(name, values))
            return self.span(low, high) if kind == "span" else self.points_span(low, high)
        x = values[name]
        if kind is None:
            return x if isinstance(x, str) else self.number(x)
        if kind == "money":
            return self.money(x, values.get("currency", ""))
        if kind in _KINDS:
            return getattr(self, kind)(x)
        if f"count.{kind}" in _read_texts(self.lang):
            return self.text(f"count.{kind}", n=x)
        if find_column(kind) is None:
            raise KeyError(f"{{{name}:{kind}}}: no such kind of place, see Words.text")
        return self.value(kind, x)

    @noted
    def number(self, x: float, digits: int = 0) -> str:
        """Write a number, rounded for display; from `HUGE` on as a power of ten."""
        x = read_number(x)
        if abs(x) < HUGE:
            x = round(x, digits) + 0.0  # never "-0"
        return write_number(x, "#,##0." + "0" * digits, self.lang)

    @noted
    def share(self, x: float, digits: int = 1) -> str:
        """Write a share as a percentage."""
        if pd.isna(x):
            return NOTHING
        return self.number(100 * x, digits) + ("\xa0%" if self.lang == "ru" else "%")

    @noted
    def span(self, low: float, high: float) -> str:
        """Write the two ends of an interval of shares."""
        if pd.isna(low) or pd.isna(high):
            return NOTHING
        ends = self.share(low), self.share(high)
        return ends[0] if ends[0] == ends[1] else f"{self.number(100 * low, 1)}–{ends[1]}"

    @noted
    def money(self, x: float, currency: str = "") -> str:
        """Write money of one currency in whole units, from a million on in millions."""
        x = read_number(x)
        if np.isnan(x):
            return NOTHING
        text = self.number(x)
        if abs(x) < HUGE and abs(round(x)) >= 1e6:
            text = format_compact_decimal(round(x), locale=self.lang, fraction_digits=1)
            text = text.replace("-", MINUS)
        known = currency if isinstance(currency, str) else ""
        sign = Locale.parse(self.lang).currency_symbols.get(known, known)
        if self.lang == "en" and len(sign) == 1:
            return f"{sign}{text}"
        return f"{text}\xa0{sign}" if sign else text

    @noted
    def percent(self, x: float) -> str:
        """Write a share as a whole percentage."""
        return self.share(x, 0)

    @noted
    def count(self, x: float) -> str:
        """Write a count."""
        return self.number(x)

    @noted
    def decimal(self, x: float) -> str:
        """Write a number with one decimal."""
        return self.number(x, 1)

    @noted
    def hundredths(self, x: float) -> str:
        """Write a number with two decimals."""
        return self.number(x, 2)

    @noted
    def points(self, difference: float) -> str:
        """Write a difference of shares in percentage points, with its sign."""
        return self.text("count.points", x=self._sign(difference))

    @noted
    def points_span(self, low: float, high: float) -> str:
        """Write the two ends of an interval of a difference of shares."""
        return self.text("count.points_span", low=self._sign(low), high=self._sign(high))

    @noted
    def days(self, x: float) -> str:
        """Write a number of whole days."""
        return NOTHING if pd.isna(x) else self.text("count.days", n=x)

    @noted
    def within(self, days: float) -> str:
        """Say in how many days: day 0 are the first 24 hours."""
        if days < 0.5:
            return self.text("count.within_day")
        return self.text("count.within", days=self.days(days))

    @noted
    def hours(self, x: float) -> str:
        """Write a time in the unit people use: minutes below an hour, days from the third on."""
        if x < 1:
            return self.text("count.minutes_short", x=max(60 * x, 1))
        if x < 48:
            return self.text("count.hours_short", x=x)
        return self.text("count.days_short", x=x / 24)

    @noted
    def period(self, name: str) -> str:
        """Write a month such as 2025-03 or a quarter such as 2025-Q2; any other text as it is.

        Examples
        --------
        >>> Words("ru").period("2025-Q4"), Words("en").period("2025-Q4"), Words("en").period("Anna")
        ('4-й квартал 2025', 'Q4 2025', 'Anna')
        """
        found = _PERIOD.fullmatch(str(name))
        if found is None:
            return str(name)
        year, quarter, month = found.groups()
        pattern = _QUARTERS[self.lang] if quarter else "LLLL y"
        first = date(int(year), 3 * int(quarter) - 2 if quarter else int(month), 1)
        return format_date(first, pattern, locale=self.lang)

    @noted
    def date(self, moment: pd.Timestamp) -> str:
        """Write a day, in the reader's time zone; a moment without a zone is taken as UTC."""
        if pd.isna(moment) or not isinstance(moment, date):
            return NOTHING
        moment = pd.Timestamp(moment)
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        try:
            day = moment.tz_convert(self.time_zone).date()
        except (NotImplementedError, OverflowError, ValueError):  # beyond any calendar
            return NOTHING
        return format_date(day, "d MMM y", locale=self.lang)

    @noted
    def step(self, step_id: str) -> str:
        """Name a step, to stand in quotes; one without a name goes by its id. Several, joined by
        `` | `` as of a fork, are named one by one: A” or “B."""
        if pd.isna(step_id):
            return NOTHING
        several = step_id.split(" | ")
        if self.step_names and not {*several} <= self.step_names.keys():
            several = [step_id]  # a stage's name, say, of the CRM
        names = [self.step_names.get(step, step) for step in several]
        return self.text("count.or_quoted").join(names) if len(names) > 1 else names[0]

    @noted
    def propose(self, step_id: str) -> str:
        """Write what proposes a step, or the step itself, in quotes, where no steps file says it.

        Examples
        --------
        >>> en = Words("en", {"paid": "Paid"}, step_asks={"signed": "send the contract"})
        >>> en.propose("signed"), en.propose("paid")
        ('send the contract', '“Paid”')
        """
        asks = [self.step_asks.get(step, "") for step in step_id.split(" | ")]
        return " / ".join(asks) if all(asks) else self.text("sentence.quoted", step=step_id)

    def advise(self, lever: str, step_id: str) -> str:
        """Say what to do about a step, in the words of the steps file where it has some.

        Examples
        --------
        >>> Words("en", step_asks={"paid": "send the invoice"}).advise("ask", "paid")
        'for every client, send the invoice'
        """
        if lever == "ask" and step_id in self.step_asks:
            return self.text("advice.ask_for", ask=self.step_asks[step_id])
        return self.value("advice", lever)

    @noted
    def steps(self, step_ids: Iterable[str]) -> str:
        """Name several steps within a sentence, in their order."""
        return ", ".join(self.text("sentence.quoted", step=step) for step in step_ids)

    @noted
    def quoted(self, name: str) -> str:
        """Write a segment's name within a sentence: in quotes, and those inside it as inner ones.

        Examples
        --------
        >>> Words("en").quoted("with paid"), Words("ru").quoted("short")
        ('“Path with ‘paid’”', '«Короткий путь»')
        """
        text = self.value("name", name)
        if name in ("all", "undetermined"):
            return text
        return self.text("name.quoted", name=text.translate(_INNER_QUOTES[self.lang]))

    def column(self, name: str, table: str = "") -> str:
        """Title a column, as a table has it where one is named; one that is not ours keeps its own
        name."""
        known = find_column(name, table)
        return str(name) if known is None else _read_texts(self.lang)[f"column.{known.title}"]

    @noted
    def value(self, column: str, x, table: str = "") -> str:
        """Write a cell as its column asks for; "—" where it is missing or an empty text.

        Examples
        --------
        >>> en = Words("en", {"paid": "Paid"})
        >>> en.value("next_step", "paid"), en.value("asked", "no"), en.value("share_of_lost", 0.5)
        ('Paid', 'never proposed', '50.0%')
        >>> en.value("low", 1234.5), en.value("low", 1234.5, "hypotheses")
        ('123,450.0%', '1,234')
        """
        return self._write(find_column(column, table), x)

    def example(self, check: str, text: str) -> str:
        """Write the words of ours among a check's examples; what comes from the data stays.

        Examples
        --------
        >>> Words("ru").example("personal_columns", "phone: Тел., Факс; title: mail")
        'телефон: Тел., Факс; по заголовку: mail'
        >>> Words("ru").example("recording_habits", "manager=Anna"), Words("ru").example("x", "a=b")
        ('Менеджер: Anna', 'a=b')
        >>> Words("ru", {"paid": "Оплатил"}).example("not_measurable", "paid")
        '«Оплатил»'
        """
        if check == "not_measurable":
            return self.steps(text.split(", "))
        section, sign = _EXAMPLES.get(check, ("", ""))
        if not section:
            return text

        def write(part: str) -> str:
            kind, there, names = part.partition(sign)
            word = self.find(f"{section}.{kind}") if there else ""
            return f"{word}: {self.period(names)}" if word else part

        return "; ".join(map(write, text.split("; ")))

    def _write(self, known: Column | None, x) -> str:
        if isinstance(x, str):
            return (self._name(known, x) if known else x) or NOTHING
        if pd.api.types.is_scalar(x) and pd.isna(x):
            never = known is not None and known.if_empty == "not_reached"
            return self.text("figure.not_reached") if never else NOTHING
        if isinstance(x, bool | np.bool_):
            return self.text("chrome.yes" if x else "chrome.no")
        if isinstance(x, int | float | np.number):
            return self._figure(known, x)
        return self.date(x) if isinstance(x, pd.Timestamp) else str(x)

    def _name(self, known: Column, x: str) -> str:
        texts = _read_texts(self.lang)
        if known.kind == "step":  # or a word of ours
            return texts.get(f"{known.words}.{x}") or self.step(x)
        if known.kind == "steps":
            return " / ".join(map(self.step, x.split(" | ")))
        if known.kind == "segments":
            return ", ".join(self.value("segment", s) for s in re.split(r"\+| \| ", x))
        if known.kind == "path":
            return self._write_path(x)
        if known.kind == "period":
            return self.period(x)
        if known.kind in ("name", "segment") and x in self.segment_names:
            return self.segment_names[x]
        if known.kind == "name":
            return self._write_code(x)
        kind, is_of, name = x.partition("=")
        if known.kind == "word" and is_of and f"{known.words}.{kind}" in texts:
            begins = self.text(f"{known.words}.{kind}", name="").strip()
            is_called_so = begins and name.casefold().startswith(begins.casefold())  # “Manager 1”
            return name if is_called_so else self.text(f"{known.words}.{kind}", name=name)
        if known.kind not in _WORDED:
            return x
        text, effect = texts.get(f"{known.words}.{x}", x), texts.get(f"{known.words}_effect.{x}")
        return f"{text}: {effect}" if effect else text

    def _write_path(self, x: str) -> str:
        parts = [(", ".join(map(self.step, block)), len(block) > 1) for block in split_path(x)]
        return " → ".join(f"{{{name}}}" if several else name for name, several in parts)

    def _write_code(self, code: str) -> str:
        """A path's name from its code (see `groups.name_segments`); any other text as it is."""
        name = ""
        for part in code.split(" | "):
            word, _, steps = part.partition(" ")
            word = "number" if name and word.isdigit() else word
            key = f"named.{word}" if name else f"name.{word}"
            if key not in _read_texts(self.lang):
                return code
            first, _, later = steps.partition(" > ")
            places = {"step": self.step(first), "other": self.step(later), "n": part}
            name = self.text(key, name=name, steps=self._write_path(steps), **places)
        return name

    def _sign(self, difference: float) -> str:
        """A difference of shares in percentage points, with its sign."""
        shown = self.number(abs(100 * difference), 1)
        if pd.isna(difference) or shown == self.number(0, 1):
            return shown
        return ("+" if difference > 0 else MINUS) + shown

    def _figure(self, known: Column | None, x: float) -> str:
        if known is None:
            return write_number(read_number(x), "#,##0.##", self.lang)
        if known.kind in ("share", "probability"):
            return self.share(x)
        if known.kind == "points":
            return self.text("count.points_short", x=self._sign(x))
        if known.kind == "hours":
            return self.hours(x)
        if known.kind == "p_value" and x < _LEAST_P:
            return "< " + self.number(_LEAST_P, 3)
        digits = _DIGITS.get(known.kind, 0) if known.digits is None else known.digits
        return self.number(x, digits)


def _find_ends(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """What the ends of a value's interval are called."""
    begin = f"{name}_" if f"{name}_low" in values else ""
    return f"{begin}low", f"{begin}high"


def split_path(path: str) -> list[list[str]]:
    """Read back what `groups.write_path` writes: ids, together where they come in any order.

    Examples
    --------
    >>> split_path("ask > {meet, test} > sent {it}"), split_path("")
    ([['ask'], ['meet', 'test'], ['sent {it}']], [])
    """
    blocks = [(p, p.startswith("{") and p.endswith("}") and ", " in p) for p in path.split(" > ")]
    return [p[1:-1].split(", ") if several else [p] for p, several in blocks if p]


_INNER_QUOTES = {"en": str.maketrans("“”", "‘’"), "ru": str.maketrans("«»", "„“")}
_KINDS = (
    "count", "decimal", "hundredths", "share", "percent", "points", "days", "within", "hours",
    "date", "period", "step", "steps", "quoted",
)  # fmt: skip


@cache
def _read_texts(lang: str) -> dict[str, str | dict[str, str]]:
    """Read a locale file as flat keys such as ``sentence.outcomes``."""
    path = Path(__file__).parents[2] / "locale" / f"{lang}.yml"
    sections = yaml.load(path.read_text(encoding="utf-8"), Loader=FAST)
    return {f"{s}.{key}": text for s, texts in sections.items() for key, text in texts.items()}


def _keys() -> list[str]:
    return list(_read_texts(LANGUAGES[0]))
