"""The user's own file of hypotheses: proposed, running, read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import yaml

from funnel_lib.checked import Checked, Place, read_checked
from funnel_lib.errors import InputError, suggest
from funnel_lib.experiments import read_split
from funnel_lib.hypothesis_findings import list_sure
from funnel_lib.journeys import Journeys
from funnel_lib.labels import Words
from funnel_lib.segments import Group

MOST = 5  # hypotheses worth a plan
_HEAD = (
    "# Hypotheses of funnel_lib: proposed, running, read. Yours to edit; comments are not kept.\n"
)


class Look(Checked):
    """One reading of a test.

    Attributes
    ----------
    on : day of the export it was read from
    n_test, n_control : leads of each half that decided
    difference, low, high : of the shares, with the interval that is valid at that look
    early : read before the planned number of leads
    """

    on: date
    n_test: int
    n_control: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    early: bool = False


class Plan(Checked):
    """One hypothesis, from the proposal to what came of it.

    Attributes
    ----------
    id : segment, step and lever, joined by "/"
    segment, step, lever : as in the table of hypotheses
    status : proposed, running (since `since`), read
    change : what will be done, in the team's words
    reference, share_now, share_reference : what it was proposed for
    leads_per_half, days : how many leads a test needs, and how long that takes
    column, test, control : the column of the leads and its two values that tell the halves apart
    since : first day of the test
    looks : every reading so far
    """

    id: str
    segment: str
    step: str
    lever: Literal["ask", "help"]
    status: Literal["proposed", "running", "read"] = "proposed"
    change: str = ""
    reference: str = ""
    share_now: float | None = None
    share_reference: float | None = None
    leads_per_half: int | None = None
    days: int | None = None
    column: str = ""
    test: str = ""
    control: str = ""
    since: date | None = None
    looks: tuple[Look, ...] = ()


class Plans(Checked):
    """The file: hypotheses in the order they were proposed."""

    version: int = 1
    hypotheses: tuple[Plan, ...] = ()


def read_plans(path: str | Path) -> Plans:
    """Read the file of hypotheses; none yet is an empty one.

    Raises
    ------
    InputError
        Every problem at once, with line numbers: unknown keys or states, an id used twice, a
        running test without its halves or first day.

    Examples
    --------
    >>> read_plans("nowhere/hypotheses.yml").hypotheses
    ()
    """
    if not Path(path).exists():
        return Plans()
    return read_checked(path, Plans, "a file of hypotheses", check=_find_problems)


def write_plans(plans: Plans, path: str | Path) -> None:
    """Write the file of hypotheses; `read_plans` reads back the same.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "hypotheses.yml")
    >>> write_plans(Plans(), path)
    >>> read_plans(path).hypotheses
    ()
    """
    content = plans.model_dump(mode="json", exclude_defaults=True)
    content = {"version": 1, "hypotheses": [], **content}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    Path(path).write_text(_HEAD + text, encoding="utf-8")


def propose_plans(plans: Plans, hypotheses: pd.DataFrame, words: Words) -> Plans:
    """Add the hypotheses with most at stake to those there are; these stay as they are.

    Parameters
    ----------
    plans : of `read_plans`
    hypotheses : what `hypotheses.build_hypotheses` returns
    words : the language of what is to be changed

    Examples
    --------
    >>> row = {"segment": "all", "step": "pay", "lever": "ask", "share_now": 0.5, "extra_won": 3.0,
    ...        "share_reference": 0.6, "reference": "given", "n_needed_per_arm": 388.0,
    ...        "days_needed": 60.0}
    >>> plans = propose_plans(Plans(), pd.DataFrame([row]), Words("en"))
    >>> plans.hypotheses[0].id, plans.hypotheses[0].status
    ('all/pay/ask', 'proposed')
    """
    known, new = {plan.id for plan in plans.hypotheses}, []
    for row in (
        list_sure(hypotheses).drop_duplicates(["segment", "step", "lever"])[:MOST].itertuples()
    ):
        name = f"{row.segment}/{row.step}/{row.lever}"
        if name in known:
            continue
        change = f"{words.step(row.step)}: {words.value('action', row.lever)}"
        new.append(Plan(
            id=name, segment=row.segment, step=row.step, lever=row.lever, change=change,
            reference=row.reference, share_now=round(row.share_now, 4),
            share_reference=round(row.share_reference, 4),
            leads_per_half=_whole(row.n_needed_per_arm), days=_whole(row.days_needed),
        ))  # fmt: skip
    return plans.model_copy(update={"hypotheses": (*plans.hypotheses, *new)})


def start_plan(
    plans: Plans, plan_id: str, column: str, test: str, control: str, since: str
) -> Plans:
    """Set a proposed hypothesis running: how its halves are told apart, and from which day.

    Raises
    ------
    InputError
        There is no such hypothesis, it was started before, or something is not told.

    Examples
    --------
    >>> plans = Plans(hypotheses=[{"id": "all/pay/ask", "segment": "all", "step": "pay",
    ...                            "lever": "ask"}])
    >>> running = start_plan(plans, "all/pay/ask", "half", "new", "old", "2025-03-01")
    >>> running.hypotheses[0].status
    'running'
    """
    plan = _find(plans, plan_id)
    problems = (
        [] if plan.status == "proposed" else [f"hypothesis {plan_id} is {plan.status} already"]
    )
    told = {"column": column, "test": test, "control": control}
    problems += [
        f"hypothesis {plan_id}: say which {name} tells its halves"
        for name, x in told.items()
        if not x
    ]
    first = pd.to_datetime(since, errors="coerce") if since else pd.NaT
    if pd.isna(first):
        problems.append(f"hypothesis {plan_id}: since {since!r} is no day; write it as 2025-03-01")
    if problems:
        raise InputError(problems)
    return _replace(plans, plan, status="running", since=first.date(), **told)


def look_at_plan(
    plans: Plans, plan_id: str, journeys: Journeys, groups: list[Group]
) -> tuple[pd.DataFrame, Plans]:
    """Read a running test, and note the look; it is read for good once it has its leads.

    Parameters
    ----------
    plans, plan_id : the hypotheses, and which one
    journeys : the leads' client steps
    groups : of `segments.list_groups`

    Returns
    -------
    (reading, plans): what `experiments.read_split` returns, of the leads that entered since the
    test began, and the plans with this look

    Raises
    ------
    InputError
        There is no such hypothesis, it is not running, or its segment is not there.
    """
    plan = _find(plans, plan_id)
    if plan.status == "proposed":
        raise InputError([f"hypothesis {plan_id} was not started: nothing to read yet"])
    group = next((g for g in groups if g.segment == plan.segment), None)
    if group is None:
        there = ", ".join(g.segment for g in groups)
        raise InputError([
            f"hypothesis {plan_id}: no segment {plan.segment!r}; there are {there}. Use the "
            "segments it was proposed for (segments.json of that audit)"
        ])  # fmt: skip
    reading = read_split(
        journeys, plan.column, plan.test, plan.control, step=plan.step, group=group,
        since=str(plan.since), n_planned=plan.leads_per_half,
        looked_before=any(look.early for look in plan.looks),
    )  # fmt: skip
    row = reading.iloc[0]
    look = Look(
        on=journeys.observed_until.date(), n_test=round(row["n_test"]),
        n_control=round(row["n_control"]), difference=_known(row["difference"]),
        low=_known(row["valid_low"]), high=_known(row["valid_high"]), early=bool(row["is_early"]),
    )  # fmt: skip
    looks = (*(x for x in plan.looks if x.on != look.on), look)
    status = "running" if look.early else "read"
    return reading, _replace(plans, plan, status=status, looks=looks)


def list_plans(plans: Plans) -> pd.DataFrame:
    """List the hypotheses: one row each, with the last look.

    Returns
    -------
    frame: id, segment, step, lever, state, since, leads_per_half, days, n_looks, difference, low,
    high (of the last look)

    Examples
    --------
    >>> list_plans(Plans()).columns[:2].tolist()
    ['id', 'segment']
    """
    rows = []
    for plan in plans.hypotheses:
        last = plan.looks[-1] if plan.looks else Look(on=date.min, n_test=0, n_control=0)
        rows.append((
            plan.id, plan.segment, plan.step, plan.lever, plan.status,
            "" if plan.since is None else plan.since.isoformat(), plan.leads_per_half, plan.days,
            len(plan.looks), last.difference, last.low, last.high,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_LISTED).astype(dict.fromkeys(_NUMBERS, "float64"))


_LISTED = [
    "id", "segment", "step", "lever", "state", "since", "leads_per_half", "days", "n_looks",
    "difference", "low", "high",
]  # fmt: skip
_NUMBERS = ["leads_per_half", "days", "difference", "low", "high"]


def _find_problems(plans: Plans) -> list[tuple[Place, str]]:
    found: list[tuple[Place, str]] = []
    ids = [plan.id for plan in plans.hypotheses]
    for n, plan in enumerate(plans.hypotheses):
        if plan.id in ids[:n]:
            found.append((("hypotheses", n, "id"), f"the id {plan.id!r} is used twice"))
        missing = [x for x in ("column", "test", "control", "since") if not getattr(plan, x)]
        if plan.status != "proposed" and missing:
            what = f"{plan.id} is {plan.status}, but {', '.join(missing)} is not told"
            found.append((("hypotheses", n), what))
    return found


def _find(plans: Plans, plan_id: str) -> Plan:
    ids = [plan.id for plan in plans.hypotheses]
    if plan_id not in ids:
        near = suggest(plan_id, ids) or f"; there are: {', '.join(ids) or 'none'}"
        raise InputError([f"no hypothesis {plan_id!r}{near}"])
    return plans.hypotheses[ids.index(plan_id)]


def _replace(plans: Plans, plan: Plan, **changes) -> Plans:
    changed = [p.model_copy(update=changes) if p is plan else p for p in plans.hypotheses]
    return plans.model_copy(update={"hypotheses": tuple(changed)})


def _whole(x: float) -> int | None:
    return None if pd.isna(x) else int(np.ceil(x))


def _known(x: float) -> float | None:
    return None if pd.isna(x) else round(float(x), 6)
