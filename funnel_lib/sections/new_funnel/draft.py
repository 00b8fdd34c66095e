"""A first draft of steps.yml from a log: who acts, in which order, how often; a person decides."""

from __future__ import annotations

import json
from typing import NamedTuple

import pandas as pd

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import ACTORS, STAGE_PREFIX, EventLog
from funnel_lib.counting.moves import order_stages
from funnel_lib.reading.lexicon import find_meaning

MOSTLY = 0.8  # share of an action's events with one actor from which on it is that actor's
SALE, AFTER_SALE = "paid", ("launched", "served", "feedback_given", "repeat_order")


class _Line(NamedTuple):
    """What is known of one action."""

    action: str
    actor: str
    step: str
    how: str
    n_events: int
    n_leads: int
    is_lost: bool


def draft_steps(log: EventLog) -> str:
    """Write a draft of steps.yml: the client's actions as steps, in the order they come.

    Gives YAML text that `read_steps` takes as it is, `draft: true`. An action is the client's, the
    manager's or the system's by the log's own actor where that says so for 80 % of its events, else
    by its wording (see `names.audit_stages`); what neither tells is listed in comments for a person
    to decide. Steps come in the order in which most leads take them (see `moves.order_stages`), the
    sale before what follows it; the manager's actions that speak of the same step become its
    `asked_by`. Each line has its count.

    Raises
    ------
    InputError
        No action is the client's.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "a"], "action": ["form_sent", "call_out", "invoice_paid"],
    ...     "actor": ["client", "manager", "client"],
    ...     "at": pd.date_range("2025-01-01", periods=3)}))
    >>> print(draft_steps(log))  # doctest: +ELLIPSIS
    # A draft made from a log of 1 leads...
    version: 1
    draft: true
    steps:
      - id: form_sent  # 1 events of 1 leads, the actor column
    ...
    won: invoice_paid
    ...
    """
    lines = _describe_actions(log)
    own = [line for line in lines if line.actor == ACTORS[0] and not line.is_lost]
    if not own:
        raise InputError([
            "no action of the log is known to be the client's: give the events a column actor "
            "(client, manager, system), or write steps.yml by hand (see the README)"
        ])  # fmt: skip
    sale = _find_sale(own)
    before = [x for x in own if x.step not in AFTER_SALE and x is not sale]
    after = [x for x in own if x.step in AFTER_SALE and x is not sale]
    helps = [line for line in lines if line.actor == ACTORS[1]]
    text = [_HEAD.format(n=len(log.leads)), "version: 1", "draft: true", "steps:"]
    for line in [*before, sale, *after]:
        text += _write_step(line, helps)
    text += [f"won: {_quote(sale.action)}"]
    text += [f"post_sale: [{', '.join(_quote(x.action) for x in after)}]"] * bool(after)
    given = {h.action for line in own for h in _find_helps(line, helps)}
    return "\n".join([*text, *_write_rest(lines, given)]) + "\n"


_HEAD = """\
# A draft made from a log of {n} leads: a person has to decide. Which of these are steps of the
# client, with evidence? Name them, merge them, drop what is none, and delete the line "draft"."""


def _describe_actions(log: EventLog) -> list[_Line]:
    """Tell of each action who does it, which typical step it speaks of, how often, and when."""
    events = log.events[~log.events["action"].astype("str").str.startswith(STAGE_PREFIX)]
    place = events.groupby("lead_id", observed=True).cumcount()
    table = events.assign(place=place, action=events["action"].astype("str"))
    known = pd.crosstab(table["action"], table["actor"].astype("str").fillna(""))
    moves = table.assign(lead=table["lead_id"].cat.codes, stage=table["action"])
    found = table.groupby("action").agg(n_events=("place", "size"), n_leads=("lead_id", "nunique"))
    lines = []
    for row in found.loc[order_stages(moves)].itertuples():
        counts = known.loc[row.Index].reindex(ACTORS, fill_value=0)
        meaning = find_meaning(str(row.Index).replace("_", " "))
        by_actor = counts.max() >= MOSTLY * row.n_events
        actor, how = counts.idxmax() if by_actor else meaning.kind, "the actor column"
        how = how if by_actor else "its wording" if actor in ACTORS else ""
        lines.append(_Line(row.Index, actor, meaning.step or "", how, row.n_events, row.n_leads,
                           meaning.end == "lost"))  # fmt: skip
    return lines


def _find_sale(own: list[_Line]) -> _Line:
    """The action that speaks of paying, else the last one before what comes after a sale."""
    paid = [line for line in own if line.step == SALE]
    return paid[-1] if paid else ([x for x in own if x.step not in AFTER_SALE] or own)[-1]


def _find_helps(line: _Line, helps: list[_Line]) -> list[_Line]:
    """The manager's actions that speak of the same typical step."""
    return [h for h in helps if line.step and h.step == line.step]


def _write_step(line: _Line, helps: list[_Line]) -> list[str]:
    action = _quote(line.action)
    text = [f"  - id: {action}  # {_count(line)}", f"    evidence: [{action}]"]
    asked = ", ".join(_quote(h.action) for h in _find_helps(line, helps))
    return text + [f"    asked_by: [{asked}]"] * bool(asked)


def _write_rest(lines: list[_Line], given: set[str]) -> list[str]:
    """Write what is no step: manager and system actions to ignore, and what nobody could tell."""
    lost = [x for x in lines if x.is_lost and x.actor != ACTORS[0]]
    others = [x for x in lines if x.action not in given and x not in lost]
    rest = [x for x in others if x.actor in ACTORS[1:]]
    unsure = [x for x in others if x.actor not in ACTORS]
    text = [f"lost: [{', '.join(_quote(x.action) for x in lost)}]"] * bool(lost)
    text += [
        "ignore:  # of managers and the system; those that help with a step belong to asked_by"
    ]
    text += [f"  - {_quote(x.action)}  # {x.actor}, {_count(x)}" for x in rest] or ["  []"]
    if unsure:
        text.append("# Not sure who acts: make them steps, asked_by or ignore.")
        text += [f"#  - {_quote(x.action)}  # {_count(x)}" for x in unsure]
    return text


def _count(line: _Line) -> str:
    return f"{line.n_events} events of {line.n_leads} leads" + (f", {line.how}" if line.how else "")


def _quote(text: str) -> str:
    """Write a text so that YAML takes it as it is."""
    plain = text.replace("_", "").isalnum() and text.isascii() and not text[0].isdigit()
    return text if plain and text not in _WORDS else json.dumps(text, ensure_ascii=False)


_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
