"""Every setting of an audit, once: its name, its meaning, its default.

The command's options and their help, `build_audit`, the notebook's parameters (checked before a
run) and the manifest all come from here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from funnel_lib.core.errors import InputError, suggest

FORMATS = ("html", "xlsx", "pdf")
ALIKE = 0.8  # likeness of names from which on one is taken for another misspelt


def _to_text(x: Any) -> Any:
    """Nothing is an empty text; a path or a number is written out."""
    if x is None:
        return ""
    if isinstance(x, PathLike):
        return fspath(x)
    if isinstance(x, date):  # a moment, too; one of midnight is taken for its day
        text = x.isoformat()
        return text.removesuffix("T00:00:00")
    if isinstance(x, timedelta):
        return f"{x.total_seconds():.0f}s"
    return str(x) if isinstance(x, Integral) and not isinstance(x, bool) else x


def _to_texts(x: Any) -> Any:
    """One is several, too; what is empty is left out."""
    several = x if isinstance(x, list | tuple | set | Iterator) else (x,)
    return tuple(t for t in several if t is not None and not (isinstance(t, str) and t == ""))


def _to_formats(x: Any) -> Any:
    """Formats as the command takes them, with commas between."""
    return (
        tuple(f.strip() for f in x.split(",") if f.strip()) if isinstance(x, str) else _to_texts(x)
    )


Text = Annotated[str, BeforeValidator(_to_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_to_texts)]
Files = Annotated[Texts, Field(min_length=1)]
Formats = Annotated[tuple[str, ...], BeforeValidator(_to_formats)]


def _define(
    default: Any,
    meaning: str,
    /,
    *,
    least: int | None = None,
    below: int | None = None,
    **of_command: Any,
) -> Any:
    """A setting; `of_command` says where the command differs: its default, its option's name."""
    return Field(
        default, description=meaning, ge=least, lt=below, json_schema_extra=of_command or None
    )


class Settings(BaseModel):
    """What an audit is made of and how; an empty text or None stands for "not given".

    See each field's description, or ``funnel audit --help``.

    Raises
    ------
    InputError
        Names that no setting has, with the nearest that one has, and values of a wrong kind.

    Examples
    --------
    >>> fl.Settings(events="events.csv", only="team=north").only
    ('team=north',)
    >>> fl.Settings(events="events.csv", entred_from="2025-01-01")
    Traceback (most recent call last):
    funnel_lib.core.errors.InputError: no setting 'entred_from'; did you mean entered_from or
    entered_to?
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Files = _define(..., "Table files of events, or a folder.")
    leads: Text = _define("", "Table of leads: one row per lead.")
    steps: Text = _define("", "Steps file: the client's steps.")
    mapping: Text = _define("", "Mapping file: what the columns mean, where that is not found out.")
    crm: Text = _define("auto", "auto, plain, or whose export it is.")
    sheet: Text = _define("", "Sheet of a workbook, by its name or place; else the first table.")
    segments: Text = _define("auto", "auto, none, how many, or a file of segments kept before.")
    pace: bool = _define(False, "Segments may differ by pace, too.")
    rule: Text = _define("passed", "How steps are counted: passed, ordered or any.")
    within: Text = _define("", "Only what comes so soon after entry, e.g. 90D.")
    drop_out_gap: float = _define(
        15, "Points, 0 to 99, by which drop-out before the fork may differ.", least=0, below=100
    )
    observed_until: Text = _define(
        "", "Day of the export; else the last act or change in the data."
    )
    entered_from: Text = _define("", "Only leads that entered on this day or later.")
    entered_to: Text = _define("", "Only leads that entered on this day or earlier.")
    only: Texts = _define((), "COLUMN=VALUE of the leads; several may be given.")
    references: Texts = _define((), "STEP=SHARE to reach; else the best group.", name="reference")
    time_zone: Text = _define("", "Of times without a zone, days and months: e.g. Europe/Moscow.")
    show_names: bool = _define(False, "Keep names of people, phones and mails.")
    hide_managers: bool = _define(False, "Write “Manager 1”, not the managers' names.")
    merge_duplicates: bool = _define(False, "Count a client entered twice as one lead.")
    seed: int = _define(0, "For what is random: a whole number, 0 or more.", least=0)
    memory: Text = _define("", "Memory to count with, e.g. 6GiB; larger logs go in parts.")
    lang: Text = _define("", "en or ru.", default="en")
    title: Text = _define("", "Title of the report.")
    logo: Text = _define("", "Picture above the report: PNG, JPEG, GIF, WebP or SVG.")
    notes: Text = _define("", "Own remarks (Markdown), a heading a section, e.g. ## losses.")
    lead_url: Text = _define("", "Address of a lead's card, e.g. https://crm.example/deals/{id}.")
    formats: Formats = _define(
        ("html", "xlsx"), "What to write: html, xlsx, pdf.", default="html,xlsx"
    )
    out: Text = _define("", "Folder for what is written.", default="reports/audit")

    # Frames given in place of files, by the name that stands for each.
    _frames: dict[str, Any] = PrivateAttr(default_factory=dict)

    def __init__(self, **given: Any):
        given, frames = _name_frames(given)
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise InputError([_explain(one) for one in error.errors()]) from None
        self._frames |= frames

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, given: Any) -> Any:
        """Let what is not given have its default; `formats` may be none."""
        if not isinstance(given, dict):
            return given
        empty = {k for k, v in given.items() if isinstance(v, str) and not v and k != "formats"}
        return {k: v for k, v in given.items() if v is not None and k not in empty}

    def list_inputs(self) -> list[str]:
        """List the files and folders that were given."""
        given = (*self.events, self.leads, self.steps, self.mapping)
        return [p for p in given if p and p not in self._frames]

    @property
    def has_frames(self) -> bool:
        """Whether a frame stands for a file."""
        return bool(self._frames)

    def take_tables(self) -> tuple[list[Any], Any | None]:
        """The tables of events, and of leads where there is one: names of files, or frames."""
        events, leads = ([self._frames.get(p, p) for p in ps] for ps in (self.events, [self.leads]))
        return events, leads[0] if self.leads else None


def _name_frames(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let a name stand for each frame among the tables: (settings, name → frame)."""
    frames, named = {}, dict(given)
    for setting in ("events", "leads"):
        value = given.get(setting)
        several = isinstance(value, list | tuple)
        texts = []
        for one in value if several else [value]:
            if one is None or isinstance(one, str | PathLike | Iterator | set):
                texts.append(one)
                continue
            frames[name := f"<{setting}{len(texts) + 1 if several else ''}>"] = one
            texts.append(name)
        named[setting] = texts if several else texts[0]
    return {k: v for k, v in named.items() if k in given}, frames


def collect_settings(variables: dict[str, Any]) -> Settings:
    """Collect the settings that a notebook has set so far; without files they are the sample's.

    `variables` are the notebook's ``globals()``. Every plain value among them must be a setting, so
    that a misspelt one, or a misspelt parameter of papermill, is an error; what is set after the
    first call is the notebook's own, unless it has the name of a setting.

    Raises
    ------
    InputError
        A variable is no setting, or its value does not fit.
    """
    given = take_parameters(variables, Settings.model_fields)
    if all(isinstance(given.get(name, ""), str) and not given.get(name) for name in _SAMPLE):
        given |= find_sample(str(given.get("lang", "")))
    return Settings(**given)


def take_parameters(variables: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Take those variables of a notebook that are known, and refuse others set before this call.

    Of what is set later only what looks like a known name is refused, but for its singular or
    plural: `step` is the notebook's own. A notebook's memory keeps
    what it was told, so a misspelt variable has to be deleted.
    """
    plain = {k for k, v in variables.items() if k[0] != "_" and isinstance(v, _PLAIN)}
    first = variables.setdefault("_set_first", plain - {"In", "Out"})
    own = plain - first - {n for k in known for n in (f"{k}s", k.removesuffix("s"))}
    alike = {name for name in own if get_close_matches(name, known, cutoff=ALIKE)}
    if unknown := sorted((first & plain | alike) - {*known}):
        after = "(corrected already, or your own? del {}, or rename it)"
        raise InputError([
            f"no parameter {name!r}{suggest(name, known)} {after.format(name)}" for name in unknown
        ])  # fmt: skip
    return {name: variables[name] for name in known if name in variables}


_PLAIN = (str, int, float, list, tuple, set, dict, type(None), PathLike, date, timedelta)


def find_sample(lang: str = "") -> dict[str, str]:
    """The files of the sample that comes with the library: events, leads, steps.

    There is one with English names, and the same leads with Russian ones.
    """
    folder = _find_data("sample_ru" if lang == "ru" else "sample")
    return {name: str(folder / f"{name}.{end}") for name, end in _SAMPLE.items()}


def find_ready_steps() -> Path:
    """The folder of the ready steps files that come with the library."""
    return _find_data("steps")


def _find_data(name: str) -> Path:
    inside = Path(__file__).parent / "data" / name
    return inside if inside.exists() else Path(__file__).parents[1] / "data" / name


_SAMPLE = {"events": "csv", "leads": "csv", "steps": "yml"}


def load_sample(lang: str = "") -> dict[str, Any]:
    """The sample that comes with the library: its tables of events and leads as frames, and the
    steps file; what `build_audit` takes.

    Examples
    --------
    >>> {name: len(table) for name, table in load_sample().items() if name != "steps"}
    {'events': 25435, 'leads': 3000}
    """
    import pandas as pd

    files = find_sample(lang)
    return files | {name: pd.read_csv(files[name]) for name in ("events", "leads")}


def sign(function):
    """Let a function that takes ``events, **settings`` show each setting in its signature."""
    fields = Settings.model_fields.items()
    events, *others = (
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY if i else inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if field.is_required() else field.default,
        )
        for i, (name, field) in enumerate(fields)
    )
    function.__signature__ = inspect.Signature([events, *others])
    return function


def _explain(error: dict) -> str:
    """Turn one pydantic error into a message."""
    name, *_ = error["loc"]
    if error["type"] == "extra_forbidden":
        return f"no setting {name!r}{suggest(name, Settings.model_fields)}"
    if error["type"] in ("missing", "too_short"):
        return f"{name}: is missing; give {Settings.model_fields[name].description}"
    meaning = Settings.model_fields[name].description
    return f"{name}: {repr(error['input'])[:60]} does not fit; expected: {meaning}"
