"""What a question of the report is made of: its counting, sentences, figure, and its answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import import_module
from typing import Any

import pandas as pd

from funnel_lib.core.errors import InputError, describe_error, quote_some, suggest
from funnel_lib.core.events import EventLog
from funnel_lib.core.groups import Group, Segmentation, list_groups, select_segment
from funnel_lib.core.html import Html, render, shield
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import LANGUAGES, Steps
from funnel_lib.core.tables import find_column, list_columns, read_tables
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import MOST_ROWS, show_table, show_text
from funnel_lib.settings import Settings

# In the metadata of what a notebook shows: why a part is missing, and that one has nothing to say.
FAILED, SILENT = "funnel_lib_failed", "funnel_lib_silent"

Tables = dict[str, pd.DataFrame]

_MOST_OPEN = 10  # rows
_ENDS = 2  # steps: where a log shows no more, it is a snapshot of beginnings and ends


@dataclass(frozen=True)
class Source:
    """What sections count from and tell: an audit as far as it has come.

    Attributes
    ----------
    log : the checked event log
    steps : the client's steps
    journeys : the leads' steps, after the choice of leads
    left_out : leads outside the chosen period or filter: lead_id
    segmentation : the segments
    settings : as they were given, the time zone as it was found
    tables : the tables by name, each a tidy frame (see docs/tables.md)
    failed : sections whose counting failed, and why; their tables are missing
    unmerged : the leads chosen before second entries were merged; None where none were
    """

    log: EventLog
    steps: Steps
    journeys: Journeys
    left_out: pd.DataFrame
    segmentation: Segmentation
    settings: Settings
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    unmerged: pd.DataFrame | None = None

    @cached_property
    def all_groups(self) -> list[Group]:
        """All leads, then each segment in its own funnel."""
        return list_groups(self.segmentation)

    def take_all(self, *names: str) -> list[pd.DataFrame]:
        """Some tables, of those that are counted for each segment the rows of all leads."""
        return list(select_segment({name: self.tables[name] for name in names}).values())

    def add(self, tables: Tables) -> Source:
        """The same with further tables, or others in their place."""
        return replace(self, tables=self.tables | tables)

    def words(self, lang: str = "") -> Words:
        """How to write this audit's numbers, steps and segments, in its own language or another."""
        lang = lang or self.settings.lang or LANGUAGES[0]
        asks = self.steps.list_asks(lang)
        words = Words(lang, self.steps.names(lang), self.settings.time_zone, step_asks=asks)
        words = replace(words, lead_url=self.settings.lead_url)
        return self.segmentation.add_names(words)

    def count_each(self, count: Callable[[Group], pd.DataFrame]) -> pd.DataFrame:
        """Count a table for all leads and for each segment."""
        return pd.concat([count(group) for group in self.all_groups], ignore_index=True)


@dataclass(frozen=True)
class Section:
    """One question of the report.

    Its texts stand in the locale files by its name: ``question`` (the heading), ``intro``,
    ``how_to_read``, ``change_our_mind``, each where there is one.

    Attributes
    ----------
    name : such as ``losses``: ``audit.losses``
    tables : the tables it counts; `.table` is the first
    count : these tables by name, from a `Source` that has those of the sections before it
    title : its finding in a short sentence, which stands above it
    tell : its finding, each a sentence or several
    draw : its figure: axes, a picture or cards; None where there is nothing to see
    shows : the tables folded beneath it, and sheets of the workbook, if not those it counts
    label : the tables as people get them, where these are not those counted
    parts : questions that belong to it, told below without a heading of their own
    list_leads : the leads behind a number; its further parameters choose them
    ask : of other choices, such as ``by="team"``: a source to tell from, of the first and these
    in_words : whether its figure is HTML whose numbers stand in sentences, as on cards
    is_list : whether people work through it: its sheets come first in the workbook
    opens : columns of the first table that stand open, as they are the answer
    of_steps : whether it says at which step something happens, which a snapshot cannot show
    has_heading : whether the report asks it; page one tells of the others
    kind : how its sentences look: ``finding`` or ``limits``
    texts : own texts by kind, in place of the locale's
    """

    name: str
    tables: tuple[str, ...] = ()
    count: Callable[[Source], Tables] | None = None
    title: Callable[[Source, Words], str] | None = None
    tell: tuple[Callable[[Source, Words], str | list[str]], ...] = ()
    draw: Callable[[Source, Words], Any] | None = None
    shows: tuple[str, ...] | None = None
    label: Callable[[Source, Words], Tables] | None = None
    parts: tuple[Section, ...] = ()
    list_leads: Callable[..., pd.DataFrame] | None = None
    ask: Callable[..., Source] | None = None
    in_words: bool = False
    is_list: bool = False
    opens: tuple[str, ...] = ()
    of_steps: bool = False
    has_heading: bool = True
    kind: str = "finding"
    texts: dict[str, str] = field(default_factory=dict)

    def walk(self) -> Iterator[Section]:
        """Itself, and its parts."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def write(self, kind: str, words: Words) -> str:
        """One of its texts, such as ``question``; empty where there is none."""
        return self.texts.get(kind) or words.find(f"{kind}.{self.name}")


@dataclass(frozen=True, repr=False)
class Answer:
    """What one audit answers to a section's question; a notebook shows it in its language.

    `table` is the first of its tables, as it was counted; `tell` gives its sentences, `draw` its
    figure, `leads` the leads behind its numbers.

    Examples
    --------
    >>> audit = fl.build_audit(fl.collect_settings({"segments": "none"}))  # of the sample
    >>> audit.losses.table[["missed_step", "n_not_asked"]].values.tolist()[1]
    ['call_answered', 284.0]
    >>> len(audit.losses.leads(step="call_answered", asked="no"))
    284
    """

    section: Section
    source: Source
    known: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, compare=False)

    def __call__(self, *given: Any, **chosen: Any) -> Answer:
        """The same question of other choices, such as ``audit.comparison(by="team")``."""
        if self.section.ask is None:
            raise InputError([f"{self.section.name}: there is nothing to choose"])
        return Answer(self.section, self.section.ask(self.source, *given, **chosen))

    @property
    def table(self) -> pd.DataFrame:
        """The first of its tables."""
        if self.section.tables:
            return self.tables[self.section.tables[0]]
        if found := list(self.list_tables().values()):
            return found[0]
        raise InputError([f"{self.section.name}: has no table"])

    @property
    def tables(self) -> Tables:
        """Its tables as they were counted, by name."""
        self._raise_if_failed()
        if self.section.ask and not {*self.section.tables} <= self.source.tables.keys():
            raise InputError([f"{self.section.name}: say of what, audit.{self.section.name}(…)"])
        return {name: self.source.tables[name] for name in self.section.tables}

    def tell(self, lang: str = "") -> list[str]:
        """Its finding in sentences."""
        self._raise_if_failed()
        return [*self._keep("tell", lang, self._tell)]

    def _tell(self, words: Words) -> list[str]:
        said = [tell(self.source, words) for tell in self.section.tell]
        return [s for told in said for s in ([told] if isinstance(told, str) else told) if s]

    def _keep(self, what: str, lang: str, make: Callable[[Words], Any]) -> Any:
        """What was made in a language before, as showing asks for it more than once."""
        if (what, lang) not in self.known:
            self.known[what, lang] = make(self.source.words(lang))
        return self.known[what, lang]

    def draw(self, lang: str = "") -> Any:
        """Its figure: a picture or cards; None where it has none, or there is nothing to see."""
        return self._draw(self.source.words(lang), self.tell(lang))

    def _draw(self, words: Words, told: list[str]) -> Any:
        """Its figure, whose text for those who cannot see it is what was told."""
        draw = self.section.draw
        drawn = draw(self.source, words) if draw else None
        if not hasattr(drawn, "figure"):
            return drawn
        from funnel_lib.drawing.pictures import show_figure

        return show_figure(drawn, " ".join(told) or self.section.write("intro", words))

    def leads(self, **chosen: str) -> pd.DataFrame:
        """The leads behind its numbers, such as ``step="paid", asked="no"``.

        Raises
        ------
        InputError
            There are none behind this section, or no such choice or value.
        """
        self._raise_if_failed()
        if self.section.list_leads is None:
            raise InputError([f"{self.section.name}: no leads stand behind its numbers"])
        _, *known = inspect.signature(self.section.list_leads).parameters
        for name in chosen:
            check_choice("choice of leads", name, known)
        return self.section.list_leads(self.source, **chosen)

    def list_tables(self, lang: str = "") -> Tables:
        """The tables that people get, by name."""
        self._raise_if_failed()
        section = self.section
        label = section.label
        own = self._keep("label", lang, partial(label, self.source)) if label else {}
        names = tuple(self.tables) if section.shows is None else section.shows
        return {name: own[name] if name in own else self.source.tables[name] for name in names}

    def is_silent(self) -> bool:
        """Whether it has nothing to say of these data: all its tables are empty, or it is about
        steps, and the log is a snapshot."""
        if self.section.of_steps and is_snapshot(self.source.tables["funnel"]):
            return True
        return not self.section.parts and _are_empty(self.list_tables())

    def show(self, lang: str = "") -> Html:
        """Its finding, figure, how to read it, and its tables folded, as HTML; where it or a part
        of it cannot be made, why, in its place."""
        return self._try_to_show(lang, {})

    def _try_to_show(self, lang: str, failed: dict[str, str]) -> Html:
        try:
            return self._show(lang, failed)
        except Exception as error:
            name, why = self.section.name, describe_error(error)
            if isinstance(error, KeyError) and self.source.failed:  # a table that is not there
                why = f"{why}; failed before it: {', '.join(self.source.failed)}"
            failed[name] = why
            told = self.source.words(lang).text("chrome.failed")
            return render("failed", told=told, why=f"{name}: {why}")

    def _show(self, lang: str, failed: dict[str, str]) -> Html:
        words, told, tables = self.source.words(lang), self.tell(lang), self.list_tables(lang)
        is_empty = _are_empty(tables)
        title = self.section.title(self.source, words) if self.section.title else ""
        told = [s for sentence in told if (s := sentence.removeprefix(title).lstrip())]
        parts = [Answer(part, self.source) for part in self.section.parts]
        texts = {} if is_empty else {
            kind: self.section.write(kind, words) for kind in ("how_to_read", "change_our_mind")
        }  # fmt: skip
        return render(
            "section",
            words=words,
            title=title,
            opened=self._open(tables, words),
            told=show_text(told if len(told) > 1 else told[0], self.section.kind) if told else "",
            figure="" if is_empty else _show_drawn(self._draw(words, told)),
            tables=[
                (title_table(name, words), _show_table(name, table, words))
                for name, table in select_segment(tables).items()
                if len(table) and not self._stands_open(name, table)
            ],
            texts=texts,
            parts=[
                (part.section.write("intro", words), part._try_to_show(lang, failed))
                for part in parts
            ],
        )

    def _stands_open(self, name: str, table: pd.DataFrame) -> bool:
        """Whether all columns that a page has room for stand open above a table."""
        opens = self.section.opens
        return bool(opens) and {*_list_for_page(name, table)} <= {*opens}

    def _open(self, tables: Tables, words: Words) -> Html | str:
        """Its first table as far as it is the answer, of all leads."""
        if not self.section.opens:
            return ""
        name, table = next(iter(select_segment(tables).items()))
        if table.empty:
            return ""
        columns = [c for c in self.section.opens if c in table and table[c].notna().any()]
        most = MOST_ROWS if self._stands_open(name, table) else _MOST_OPEN
        return show_table(table, words, columns, "audit.xlsx", name=name, most=most)

    def _raise_if_failed(self) -> None:
        if error := self.source.failed.get(self.section.name):
            raise error

    def _repr_mimebundle_(self, include=None, exclude=None):
        failed: dict[str, str] = {}
        shown = {"text/html": shield(self._try_to_show("", failed).html)}
        said = [f"{name}: {why}" for name, why in failed.items()] or self.tell()
        about = {FAILED: failed} if failed else {SILENT: True} if self.is_silent() else {}
        return shown | {"text/plain": "\n".join(said)}, about

    def __repr__(self) -> str:
        return f"<Answer: {self.section.name}>"


def _are_empty(tables: Tables) -> bool:
    return bool(tables) and all(table.empty for table in tables.values())


def is_snapshot(funnel: pd.DataFrame) -> bool:
    """Does a log show leads' beginnings and ends, and nothing between? Of the table `funnel`."""
    of_all = funnel["segment"] == "all"
    before = funnel[of_all & (funnel["part"] == "before_sale")]
    shown = before["share_of_entered"].notna() & (before["n_reached"] - before["n_unseen"] >= 0.5)
    return int(shown.sum()) <= _ENDS


def from_tables(function: Callable | str, *tables: str, **further: Any):
    """What a function makes of these tables, of all leads where there are segments' rows, and of
    the reader's words; `further` are values by name, or functions that find them in the source.

    One given by its path in the library is imported only then, as what draws takes long to import.
    """

    def make(source: Source, words: Words) -> Any:
        found = function
        if isinstance(function, str):
            module, _, name = function.rpartition(".")
            found = getattr(import_module(f"funnel_lib.{module}"), name)
        given = source.take_all(*tables)  # first: claims look in what was asked for first
        own = {name: x(source) if callable(x) else x for name, x in further.items()}
        return found(*given, words, **own)

    return make


def check_choice(what: str, value: str, known: Iterable[str]) -> str:
    """Give a value back if it is known; an `InputError` else."""
    known = list(known)
    if value not in known:
        near = suggest(value, known) or f"; there are {quote_some(known, most=20)}"
        raise InputError([f"no {what} {value!r}{near}"])
    return value


def is_given(choice: str | None) -> bool:
    """Whether a choice was made: an empty text or None is none, False is a wrong one."""
    return choice is not None and not (isinstance(choice, str) and not choice)


def choose_rows(rows: pd.DataFrame, **chosen: str) -> pd.DataFrame:
    """Keep the rows that have these values in these columns; an empty text is no choice."""
    for column, value in chosen.items():
        if is_given(value):
            known = sorted(rows[column].dropna().astype("str").unique())
            rows = rows[rows[column] == check_choice(column, value, known)]
    return rows.reset_index(drop=True)


def _show_drawn(drawn: Any) -> Html | str:
    if drawn is None or isinstance(drawn, Html):
        return drawn or ""
    return render("figure", picture=drawn)


def _show_table(name: str, table: pd.DataFrame, words: Words) -> Html:
    known = name if name in read_tables() else ""
    return show_table(table, words, _list_for_page(known, table), "audit.xlsx", name=known)


def _list_for_page(name: str, table: pd.DataFrame) -> list[str]:
    """Of the columns that people get, those that a page has room for; the workbook has them all.
    Money says its currency itself."""
    found = {c: find_column(c, name) for c in list_for_people(name, table)}
    has_money = any(known is not None and known.kind == "money" for known in found.values())
    return [
        c for c, known in found.items()
        if known is None or (known.on_page and not (has_money and c == "currency"))
    ]  # fmt: skip


def list_for_people(name: str, table: pd.DataFrame) -> list[str]:
    """The columns of a table that people get: no segment, where all rows are of all leads; of a
    table that the registry does not know, every one."""
    known = list_columns(name, shown=True) if name in read_tables() else list(table)
    alone = "segment" in table and (table["segment"] == "all").all()
    return [c for c in known if c in table and not (alone and c == "segment")]


def title_table(name: str, words: Words) -> str:
    """What people call a table."""
    return words.find(f"table.{name}") or name
