"""A first draft of steps.yml from a log: who acts, in which order, how often; a person decides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, STAGE_PREFIX, EventLog
from funnel_lib.core.steps import RESERVED
from funnel_lib.core.words import say
from funnel_lib.counting.checks import MADE
from funnel_lib.counting.moves import order_stages
from funnel_lib.reading.crm import PLAIN
from funnel_lib.reading.lexicon import find_meaning
from funnel_lib.settings import find_ready_steps

MOSTLY = 0.8  # share of an action's events with one actor from which on it is that actor's
MOST_ACTIONS = 100  # of more different ones the most frequent are ordered
FEWEST, MOST_BOTH, ALIKE = 5, 0.05, 0.25  # leads of a channel; with both; difference afterwards
READY = "b2b.yml"
# What failed, was refused or taken back is no step of the client, whatever it speaks of.
_FAILED = re.compile(
    r"\b(?:error|fail|declin|refus|cancel|reject|denied|abort|abandon|time ?out|unpaid|unsuccess"
    r"|refund|chargeback|bounce|ошибк|отказ|неудач|неуспеш|отклон|отмен|сбо[йя]|возврат|просроч"
    r"|провал)|\b(?:not|не) \w", re.IGNORECASE)  # fmt: skip
# On the way to the sale, and not the sale.
_INTENT = re.compile(
    r"\b(?:detail|page|view|click|start|begin|info|method|select|choos|choice|cart|basket"
    r"|check ?out|option|form|attempt|init|request|pending|intent|expected|реквизит|способ|страниц"
    r"|форм|нача[тл]|выбор|корзин|запро[сш]|ожида|обещ)", re.IGNORECASE)  # fmt: skip
# Who acts is in the way something went, whatever else the name says.
_WAYS = {
    "manager": re.compile(
        r"\b(?:outgoing|outbound|исходящ)|\bto (?:the )?(?:client|customer|lead)\b"
        r"|\b(?:клиенту|покупателю|заказчику)\b|\bот менеджера\b|\bby (?:the )?manager\b",
        re.IGNORECASE),
    "client": re.compile(
        r"\b(?:incoming|inbound|входящ|reply\b|form (?:sent|submit|fill))"
        r"|\b(?:from|by) (?:the )?(?:client|customer|lead)\b"
        r"|\b(?:клиента|покупателя|заказчика)\b|\b(?:client|customer)(?:[’']?s)?\b"
        r"|\b(?:клиент|покупатель|заказчик)\b", re.IGNORECASE),
}  # fmt: skip
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
    failed: bool


def propose_steps(log: EventLog) -> str:
    """Write the steps of an audit for which nobody gave any: the ready ones of a typical sale for a
    known CRM's log, as its readers' actions are known; else a draft of the log's own actions.

    Gives YAML text for `steps.parse_steps`, ``draft: true``.
    """
    if not {*log.sources["crm"]} - {PLAIN}:
        return draft_steps(log)
    text = Path(find_ready_steps(), READY).read_text(encoding="utf-8")
    return text.replace("version: 1\n", "version: 1\ndraft: true\n", 1)


def draft_steps(log: EventLog) -> str:
    """Write a draft of steps.yml: the client's actions as steps, in the order they come.

    Gives YAML text that `read_steps` takes as it is, `draft: true`. An action is the client's, the
    manager's or the system's by the log's own actor where that says so for 80 % of its events, else
    by its wording (see `names.audit_stages`; what came in is the client's); what neither tells is
    listed in comments for a person to decide. Steps come in the order in which most leads take them
    (see `moves.order_stages`), the sale before what follows it; the manager's actions that speak of
    the same step become its `asked_by`. Actions that exclude each other at one place, as the
    channels by which clients come, are one step. What failed is no step, and never the sale. Where
    no action is known to be the client's all stand in order, for a person to sort; of a log of
    stages alone these. Each line has its count.

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
    lines, events = _describe_actions(log)
    own = [x for x in lines if x.actor == ACTORS[0] and not x.is_lost and not x.failed]
    head = say("draft.head", n=str(len(log.leads)))
    # the dates of a list are what happened with the client, whoever began it
    if not own or "dates_as_events" in set(log.noticed["check"]):
        own = [x for x in lines if not x.is_lost and not x.failed] or lines
        lines = [x for x in lines if x not in own]
        head += "\n" + say("draft.unsorted")
    sale = _find_sale(own, log, events)
    by_status = sale.step != SALE and (log.leads["status"] == "won").any()
    by_status |= sale.action in MADE
    if by_status:  # nothing that was recorded is a sale: the status alone tells it
        sale = _Line(SALE, "", SALE, "", 0, 0, False, False)
    before = [x for x in own if x.step not in AFTER_SALE and x is not sale]
    after = [x for x in own if x.step in AFTER_SALE and x is not sale]
    helps = [line for line in lines if line.actor == ACTORS[1] and not line.failed]
    text = [head, "version: 1", "draft: true", "steps:"]
    for group in [*_join_channels(before, events), [sale], *([x] for x in after)]:
        text += _write_paid() if by_status and group == [sale] else _write_step(group, helps)
    text += [f"won: {_quote(_id(sale.action))}"]
    text += [f"post_sale: [{', '.join(_quote(_id(x.action)) for x in after)}]"] * bool(after)
    given = {h.action for line in own for h in _find_helps(line, helps)}
    return "\n".join([*text, *_write_rest([x for x in lines if x not in own], given)]) + "\n"


def _describe_actions(log: EventLog) -> tuple[list[_Line], pd.DataFrame]:
    """Tell of each action who does it, which typical step it speaks of, how often, in the order in
    which they come; and the events: lead (its code), stage (the action), place. Of very many
    different actions the most frequent."""
    is_move = log.events["action"].astype("str").str.startswith(STAGE_PREFIX)
    events = log.events if is_move.all() else log.events[~is_move]
    place = events.groupby("lead_id", observed=True).cumcount()
    table = events.assign(place=place, action=events["action"].astype("str"))
    most = table["action"].value_counts().index[:MOST_ACTIONS]
    table = table[table["action"].isin(most)]
    known = pd.crosstab(table["action"], table["actor"].astype("str").fillna(""))
    moves = table.assign(lead=table["lead_id"].cat.codes, stage=table["action"])
    found = table.groupby("action").agg(n_events=("place", "size"), n_leads=("lead_id", "nunique"))
    lines = []
    for row in found.loc[order_stages(moves)].itertuples():
        counts = known.loc[row.Index].reindex(ACTORS, fill_value=0)
        name = str(row.Index).removeprefix(STAGE_PREFIX).replace("_", " ")
        meaning = find_meaning(name)
        by_actor = counts.max() >= MOSTLY * row.n_events
        actor, how = (counts.idxmax(), "by_column") if by_actor else _tell_actor(name)
        lines.append(_Line(row.Index, actor, meaning.step or "", how, row.n_events, row.n_leads,
                           meaning.end == "lost", bool(_FAILED.search(name))))  # fmt: skip
    return lines, moves[["lead", "stage", "place"]]


def _tell_actor(name: str) -> tuple[str, str]:
    """Who acts, by the wording: what came in is the client's, also a call."""
    for actor, pattern in _WAYS.items():
        if pattern.search(name):
            return actor, "by_wording"
    kind = find_meaning(name).kind
    return kind, "by_wording" if kind in ACTORS else ""


def _find_sale(own: list[_Line], log: EventLog, events: pd.DataFrame) -> _Line:
    """The action that tells won leads from the others, of those that speak of paying, if any do;
    else the last one before what comes after a sale."""
    paid = [line for line in own if line.step == SALE]
    done = [line for line in paid if not _INTENT.search(line.action.replace("_", " "))]
    asked = done or paid or [x for x in own if x.step not in AFTER_SALE] or own
    status = log.leads["status"].astype("str")
    won, ended = (status == "won").to_numpy(), status.isin(["won", "lost", "open"]).to_numpy()
    if not won.any() or won[ended].all():
        return asked[-1]

    def tell(line: _Line) -> float:
        has = np.zeros(len(won), bool)
        has[events.loc[events["stage"] == line.action, "lead"]] = True
        return has[won].mean() - has[ended & ~won].mean()

    return max(reversed(asked), key=tell)


def _join_channels(lines: list[_Line], events: pd.DataFrame) -> list[list[_Line]]:
    """Put actions that exclude each other at one place into one group: those by which leads begin,
    or that speak of the same typical step, and after which the same comes as often."""
    first = events.drop_duplicates(["lead", "stage"])
    has = pd.crosstab(first["lead"], first["stage"]) > 0
    begins = events[events["place"] == 0].groupby("stage")["lead"].nunique()
    groups: list[list[_Line]] = []
    for line in lines:
        alike = (g for g in groups if all(_is_channel(line, x, has, begins) for x in g))
        group = next(alike, None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    return groups


def _is_channel(one: _Line, other: _Line, has: pd.DataFrame, begins: pd.Series) -> bool:
    """Whether two actions are two ways to take one step."""
    entry = all(begins.get(x.action, 0) >= MOSTLY * x.n_leads for x in (one, other))
    if not entry and (not one.step or one.step != other.step):
        return False
    a, b = has[one.action], has[other.action]
    fewest = min(a.sum(), b.sum())
    if fewest < FEWEST or (a & b).sum() > MOST_BOTH * fewest:
        return False
    rest = has.drop(columns=[one.action, other.action])
    return not len(rest.columns) or (rest[a].mean() - rest[b].mean()).abs().max() <= ALIKE


def _find_helps(line: _Line, helps: list[_Line]) -> list[_Line]:
    """The manager's actions that speak of the same typical step."""
    return [h for h in helps if line.step and h.step == line.step]


def _write_step(group: list[_Line], helps: list[_Line]) -> list[str]:
    line = group[0]
    text = [f"  - id: {_quote(_id(line.action))}  # {'; '.join(map(_count, group))}"]
    text += [f"    evidence: [{', '.join(_quote(x.action) for x in group)}]"]
    helpful = dict.fromkeys(h.action for x in group for h in _find_helps(x, helps))
    asked = ", ".join(_quote(action) for action in helpful)
    return text + [f"    asked_by: [{asked}]"] * bool(asked)


def _write_rest(lines: list[_Line], given: set[str]) -> list[str]:
    """Write what is no step: manager and system actions to ignore, and what nobody could tell."""
    lost = [x for x in lines if x.is_lost and x.actor != ACTORS[0]]
    others = [x for x in lines if x.action not in given and x not in lost]
    failed = [x for x in others if x.failed]
    rest = [x for x in others if x.actor in ACTORS[1:] and not x.failed]
    unsure = [x for x in others if x.actor not in ACTORS and not x.failed]
    text = [f"lost: [{', '.join(_quote(x.action) for x in lost)}]"] * bool(lost)
    text += [f"ignore:  # {say('draft.ignore')}"]
    text += [f"  - {_quote(x.action)}  # {say('actor.' + x.actor)}, {_count(x)}" for x in rest] or [
        "  []"
    ]
    for told, of in (("draft.failed", failed), ("draft.unsure", unsure)):
        text += [f"# {say(told)}"] * bool(of)
        text += [f"#  - {_quote(x.action)}  # {_count(x)}" for x in of]
    return text


def _write_paid() -> list[str]:
    return [f"  - id: {SALE}  # {say('draft.paid')}",
            "    name: {en: Paid, ru: Оплатил}", "    evidence: []"]  # fmt: skip


def _id(action: str) -> str:
    """Make an action the id of a step."""
    text = action.removeprefix(STAGE_PREFIX)
    for joint, by in ((" | ", " "), (" > ", " "), ("+", " ")):
        text = text.replace(joint, by)
    return f"{text}_step" if text in RESERVED else text


def _count(line: _Line) -> str:
    told = say("draft.count", n=str(line.n_events), leads=str(line.n_leads))
    return told + (f", {say(f'draft.{line.how}')}" if line.how else "")


def _quote(text: str) -> str:
    """Write a text so that YAML takes it as it is."""
    plain = text.replace("_", "").isalnum() and text.isascii() and not text[0].isdigit()
    return text if plain and text not in _WORDS else json.dumps(text, ensure_ascii=False)


_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
