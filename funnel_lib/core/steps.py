"""The client's steps: what each is called, what shows it, what the manager does to help."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import field_validator, model_validator

from funnel_lib.core.checked import Checked, Place, read_checked
from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.times import read_window

LANGUAGES = ("en", "ru")
# What tables write in the place of a step's id, and what joins ids there.
RESERVED = ("fork", "all", "undetermined", "won", "lost", "opening", "closing", "first_step")
JOINTS = (" | ", " > ", "+")
STEPS_FILE = "a steps file (steps.yml)"  # for messages
MOST_STEPS = 300  # of clients; the most that is sure to be counted within a minute
MEETINGS = ("meeting_held",)
_CONDITION = re.compile(r"^\s*(?P<column>.+?)\s*(?P<op>==|!=|>=|<=|>|<)\s*(?P<value>.+?)\s*$")


class Evidence(Checked):
    """What shows a step: an action (exact or a glob), with conditions where needed.

    Attributes
    ----------
    action : an action of the log, or a glob such as ``incoming_*``
    after : count it only at or after (by the clock) another action of the same lead
    where : count it only where a column of the event compares so, e.g. ``duration >= 30``
    other_deal : count it when it happens in *another* lead of the same account (repeat orders)
    """

    action: str
    after: str | None = None
    where: str | None = None
    other_deal: bool = False

    @field_validator("where")
    @classmethod
    def _is_comparison(cls, where: str | None) -> str | None:
        if where is not None and not _CONDITION.match(where):
            raise ValueError("a comparison such as 'duration >= 30' (one of == != >= <= > <)")
        return where

    @property
    def condition(self) -> tuple[str, str, str] | None:
        """The parts of `where`: column, operator, value."""
        found = _CONDITION.match(self.where) if self.where else None
        return (found["column"], found["op"], found["value"].strip("'\"")) if found else None

    @property
    def is_glob(self) -> bool:
        """Whether the action is a pattern."""
        return any(sign in self.action for sign in "*?[")

    @property
    def is_plain(self) -> bool:
        """Whether the action alone decides."""
        return self.after is None and self.where is None and not self.other_deal

    def matches(self, action: str) -> bool:
        """Does an action's name fit? Case matters."""
        return fnmatchcase(action, self.action) if self.is_glob else action == self.action


class Step(Checked):
    """One step of the client.

    Attributes
    ----------
    id : short word used in tables
    name : how people call it, by language; a plain text serves all languages
    evidence : what shows it, any of these; left out, the action named like the step
    asked_by : the manager's actions that ask for it or help with it, written as evidence is
    ask : what the manager does to propose it, for advice: an infinitive, by language or for all
    optional : a client may buy without it, so it is never called missed
    """

    id: str
    name: dict[str, str] = {}
    evidence: tuple[Evidence, ...] = ()
    asked_by: tuple[Evidence, ...] = ()
    ask: dict[str, str] = {}
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given):
        if not isinstance(given, dict) or not isinstance(given.get("id"), str | int):
            return given
        name = given.get("name", str(given["id"]))
        filled = {"name": dict.fromkeys(LANGUAGES, name) if isinstance(name, str) else name}
        if isinstance(ask := given.get("ask"), str):
            filled["ask"] = dict.fromkeys(LANGUAGES, ask)
        for key, default in (("evidence", [str(given["id"])]), ("asked_by", [])):
            rules = given.get(key, default)
            if isinstance(rules, list | tuple):
                filled[key] = [{"action": r} if isinstance(r, str) else r for r in rules]
        return {**given, **filled}

    @property
    def asks(self) -> tuple[str, ...]:
        """The names of the actions that ask for it."""
        return tuple(a.action for a in self.asked_by)


class Steps(Checked):
    """The client's steps in the order a typical client takes them; also the tie rule.

    Attributes
    ----------
    steps : all steps; those after `won`, and those named in `post_sale`, come after the sale
    won : id of the step that is the sale
    post_sale : ids of the steps after the sale
    stages : CRM stage -> id of the step it is meant to show; compared, never evidence
    self_reported : actions that are only the manager's word; they count, and are graded so
    lost : actions that mean the lead is lost, used where no leads table says so
    lead_lost_after : so long without any event, such as ``90D``, means that an open lead is lost
    ignore : actions known to mean nothing here
    draft : written by `draft_steps` and not yet gone through by a person; reports say so
    """

    version: Literal[1] = 1
    draft: bool = False
    steps: tuple[Step, ...]
    won: str
    post_sale: tuple[str, ...] = ()
    stages: dict[str, str] = {}
    self_reported: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    lead_lost_after: str = ""
    ignore: tuple[str, ...] = ()

    @field_validator("lead_lost_after")
    @classmethod
    def _is_time(cls, text: str) -> str:
        try:
            read_window(text)
        except InputError:
            raise ValueError("a time such as 90D") from None
        return text

    @model_validator(mode="before")
    @classmethod
    def _add_post_sale(cls, given):
        """Let `post_sale` name a step that stands nowhere else: shown by the action so named."""
        if not isinstance(given, dict) or not isinstance(given.get("steps"), list | tuple):
            return given
        ids = [str(s.get("id")) for s in given["steps"] if isinstance(s, dict)]
        named = given.get("post_sale")
        named = named if isinstance(named, list | tuple) else []  # else the model refuses it
        extra = [p for p in named if str(p) not in ids and not suggest(p, ids)]
        return {**given, "steps": [*given["steps"], *({"id": p} for p in extra)]}

    @property
    def records(self) -> tuple[str, ...]:
        """Actions that only keep records: neither the client's act nor effort of the manager. A
        meeting is known by the manager's word alone, and is effort all the same."""
        return (*self.ignore, *(a for a in self.self_reported if a not in MEETINGS))

    @property
    def ids(self) -> tuple[str, ...]:
        """All step ids: before the sale, the sale, after it."""
        return (*self.before_sale, *self.after_sale)

    @property
    def before_sale(self) -> tuple[str, ...]:
        """Ids of the global pre-sale funnel, the sale last."""
        after = set(self.after_sale)
        return tuple(s.id for s in self.steps if s.id not in after)

    @property
    def after_sale(self) -> tuple[str, ...]:
        """Ids of the steps after the sale."""
        ids = [s.id for s in self.steps]
        sale = ids.index(self.won) if self.won in ids else len(ids)
        return tuple(i for n, i in enumerate(ids) if n > sale or i in self.post_sale)

    @property
    def repeat(self) -> str | None:
        """Id of the step that says that a client bought again: the first after the sale that other
        deals of the account show."""
        again = (i for i in self.after_sale if any(e.other_deal for e in self[i].evidence))
        return next(again, None)

    def __getitem__(self, step_id: str) -> Step:
        return next(s for s in self.steps if s.id == step_id)

    def names(self, lang: str) -> dict[str, str]:
        """Names of all steps in a language; the id where there is none."""
        return {s.id: s.name.get(lang) or next(iter(s.name.values()), s.id) for s in self.steps}

    def list_asks(self, lang: str) -> dict[str, str]:
        """What the manager does to propose each step, in a language, where the file says it."""
        return {s.id: s.ask.get(lang) or next(iter(s.ask.values())) for s in self.steps if s.ask}


def read_steps(path: str | Path) -> Steps:
    """Read a steps file (steps.yml), checked.

    Raises `InputError` with every problem at once and its line: unknown keys, ids used twice,
    evidence claimed by two steps, a `won` or `post_sale` that is no step, an optional sale.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "steps.yml"
    >>> _ = path.write_text('''
    ... steps:
    ...   - {id: request_left, name: {en: Left a request, ru: Оставил заявку}}
    ...   - {id: paid, evidence: [invoice_paid], asked_by: [invoice_sent]}
    ... won: paid
    ... ''', encoding="utf-8")
    >>> steps = read_steps(path)
    >>> steps.ids, steps["paid"].evidence[0].action
    (('request_left', 'paid'), 'invoice_paid')
    """
    return read_checked(path, Steps, STEPS_FILE, check=_problems)


def parse_steps(text: str) -> Steps:
    """Read the text of a steps file that is known to be right, e.g. of a planted world.

    Examples
    --------
    >>> parse_steps("{steps: [{id: asked}, {id: paid}], won: paid}").ids
    ('asked', 'paid')
    """
    return Steps.model_validate(yaml.safe_load(text))


def write_steps(steps: Steps, path: str | Path) -> None:
    """Write a steps file that `read_steps` reads back to the same steps."""
    content = steps.model_dump(mode="json", exclude_defaults=True)
    # Left out, these two would be read back as the id: a step without any must say so.
    rows = [
        {"id": s.id, **({} if s.name else {"name": {}}), **({} if s.evidence else {"evidence": []})}
        | row
        for s, row in zip(steps.steps, content["steps"], strict=True)
    ]
    for row in rows:
        for key in {"evidence", "asked_by"} & set(row):
            row[key] = [rule["action"] if len(rule) == 1 else rule for rule in row[key]]
    content = {"version": 1, **content, "steps": rows}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    Path(path).write_text(text, encoding="utf-8")


def _problems(steps: Steps) -> list[tuple[Place, str]]:
    """List what one key alone does not show to be wrong; each problem with its place."""
    ids = [s.id for s in steps.steps]
    found: list[tuple[Place, str]] = []
    if len(ids) > MOST_STEPS:
        return [
            (("steps",), f"{len(ids):,} steps are more than {MOST_STEPS}; name those that count")
        ]
    for i, step_id in enumerate(ids):
        if step_id in ids[:i]:
            found.append((("steps", i, "id"), f"the step id {step_id!r} is used twice"))
        if not step_id.strip():
            found.append((("steps", i, "id"), "a step's id is empty; give it a short word"))
        if step_id in RESERVED:
            why = f"the step id {step_id!r} is a word that tables use for something else"
            found.append((("steps", i, "id"), f"{why}; call it {step_id}_step or the like"))
        found += [
            (("steps", i, "id"), f"the step id {step_id!r} holds {joint!r}, which joins ids in "
             "tables; write it with _")
            for joint in JOINTS if joint in step_id
        ]  # fmt: skip
    if steps.won not in ids:
        found.append((("won",), _no_step("won", steps.won, ids)))
    elif steps[steps.won].optional:
        found.append((("won",), f"the sale {steps.won!r} cannot be optional"))
    for i, step in enumerate(steps.steps):
        if step.id not in steps.after_sale and any(e.other_deal for e in step.evidence):
            found.append((("steps", i), f"{step.id}: other_deal shows only steps after the sale"))
        if any(a.other_deal for a in step.asked_by):
            found.append((("steps", i), f"{step.id}: asked_by cannot name another deal's actions"))
    for i, step_id in enumerate(steps.post_sale):
        if step_id not in ids:
            found.append((("post_sale", i), _no_step("post_sale", step_id, ids)))
    if steps.won in steps.post_sale:
        found.append((("post_sale",), f"the sale {steps.won!r} cannot come after itself"))
    for stage, step_id in steps.stages.items():
        if step_id not in ids:
            found.append((("stages", stage), _no_step(f"stages: {stage}", step_id, ids)))
    return found + _claimed_twice(steps)


def _no_step(key: str, step_id: str, ids: list[str]) -> str:
    near = suggest(step_id, ids) or f"; the steps are: {', '.join(ids)}"
    return f"{key} names {step_id!r}, which is no step{near}"


def _claimed_twice(steps: Steps) -> list[tuple[Place, str]]:
    """List evidence of one step that is the very same evidence of another."""
    owner: dict[tuple, str] = {}
    found = []
    for i, step in enumerate(steps.steps):
        for n, evidence in enumerate(step.evidence):
            key = (evidence.action, evidence.after, evidence.where, evidence.other_deal)
            if owner.setdefault(key, step.id) != step.id:
                claim = f"{evidence.action!r} is evidence of two steps, {owner[key]} and {step.id}"
                found.append((("steps", i, "evidence", n), f"{claim}; keep it in one of them"))
    return found
