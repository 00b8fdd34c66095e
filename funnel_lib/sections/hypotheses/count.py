"""What to change first, and what it is worth: the money at stake at each step not taken."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.comparing.decided import Decided, find_decided
from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import Segmentation, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.tables import arrange
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.days import MONTH, find_mature, find_months
from funnel_lib.counting.money import list_money
from funnel_lib.sections.hypotheses.references import (
    EQUAL,
    GIVEN,
    Reference,
    find_references,
)
from funnel_lib.stats.differences import FAMILY, correct_p
from funnel_lib.stats.experiments import plan_size
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.resampling import DRAWS, FEWEST_WON, Summands, draw_sums, find_range

LONGEST = 3 * 365.25  # days: a test that takes longer is no plan


def build_hypotheses(
    journeys: Journeys,
    segmentation: Segmentation | None = None,
    references: dict[str, float] | None = None,
    seed: int = 0,
    asks: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What would it bring if at each step as many went on as in the best comparable group, or as of
    those to whom it was proposed? The table `hypotheses`.

    Counted at the places of the tree, in whole leads that have had their time (`find_mature`) and
    are of no group that records otherwise (`recording.find_habits`); at a fork who went on to any
    path. `references` are shares to reach, by step, in place of the best group's; `asks` is the
    table of that name: what proposing brings.

    Notes
    -----
    The gap of the shares x the leads that decided on the step x the share of those past it that buy
    (of the closed) x their mean amount; for `asked` the leads never asked in place of those that
    decided. Counts are of the leads compared; gains are scaled up to all that entered, leads of
    groups barred left out. It is assumed that those won over would go on like those who take the
    step now, that the reference can be reached, and that its lead is not owed to its leads. Ranges:
    the gap is drawn from its posterior (`references.find_references`), the rest by drawing accounts
    again (`resampling.draw_sums`). A gain that is not beyond chance, of all that page one could
    claim, has a range from 0.

    Raises
    ------
    InputError
        A reference for an unknown step, or one that is no share.

    Examples
    --------
    >>> planted = plant_log("one", n_leads=2000, seed=1)
    >>> log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    >>> journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    >>> table = build_hypotheses(journeys, references={"terms_agreed": 0.95})
    >>> table.loc[0, ["step", "reference"]].tolist()
    ['terms_agreed', 'given']
    """
    references = references or {}
    check_references(references, journeys.steps)
    decided, habits = find_decided(journeys, segmentation), find_habits(journeys, segmentation)
    entered = journeys.leads["entered_at"].notna().to_numpy()
    leads = find_mature(journeys) & habits.comparable & entered
    scale = (entered & habits.comparable).sum() / max(leads.sum(), 1)
    months, tree = find_months(journeys), decided.places.tree
    found = find_references(journeys, decided, leads, habits.barred, references, seed)
    now, drawn = _add_up(journeys, decided, leads, seed)
    counted = decided.places.counted
    came = (counted.n @ decided.places.came) / (months * MONTH)  # a day
    told = [] if asks is None or asks.empty else asks[asks["difference"].notna()].to_dict("records")
    rows = []
    for k, (node, reference) in enumerate(zip(tree.nodes, found, strict=True)):
        here, draws = ({name: x[:, k] for name, x in sums.items()} for sums in (now, drawn))
        more = [_weigh_reference(reference, here, draws, scale, came[k])]
        more += [
            _weigh_asked(asked, reference, here, draws, scale, came[k], seed)
            for asked in told
            if asked["node"] == node.number
        ]
        own = {"segment": tree.name_node(node), "node": node.number, "step": node.missed}
        rows += [table.assign(**own) for table in more]
    table = pd.concat(rows, ignore_index=True).assign(months=max(months, 1))
    table["currency"] = np.array(list_money(journeys)[1], object)[table["code"]]
    return arrange("hypotheses", _rank(_judge(table)).drop(columns=["code", "p"]))


def read_references(conditions: list[str]) -> dict[str, float]:
    """Read references written as ``STEP=SHARE``, the share such as 0.8, 0,8 or 80%."""
    found, problems = {}, []
    for condition in conditions:
        step, _, text = condition.partition("=")
        number = text.strip().removesuffix("%").replace(",", ".")
        try:
            share = float(number) / (100 if text.strip().endswith("%") else 1)
        except ValueError:
            share = np.nan
            problems.append(f"reference {condition!r}: write it as STEP=SHARE, e.g. paid=0.8")
        if found.get(step.strip(), share) != share and share == share:
            problems.append(f"reference {condition!r}: this step has another share, too; give one")
        found[step.strip()] = share
    if problems:
        raise InputError(problems)
    return found


def check_references(references: dict[str, float], steps: Steps) -> None:
    """Raise an `InputError` for references to steps that are not before the sale, or no shares."""
    ids = steps.before_sale
    problems = [
        f"reference {step}: no step {step!r} before the sale{suggest(step, ids)}"
        for step, share in references.items()
        if step not in ids
    ]
    problems += [
        f"reference {step}={share:.0%}: give a share above 0%, at most 100%"
        for step, share in references.items()
        if not 0 < share <= 1
    ]
    if problems:
        raise InputError(problems)


def _add_up(journeys: Journeys, decided: Decided, leads: np.ndarray, seed: int):
    """What the leads of each node are and bring: by name sums of (1, n_nodes, n_currencies), and
    draws of them, (n_draws, …)."""
    places, counted = decided.places, decided.places.counted
    currency, names, amount = list_money(journeys)
    won, n = counted.has_status("won"), len(names)
    closed, lost = ~counted.has_status("open"), decided.stood & ~decided.went_on
    amount = np.where(won[counted.of_lead], amount, np.nan)
    never = lost & (places.asked == ASKED.index("no"))[:, None]
    bought = decided.went_on & won[:, None]
    own = [leads & (currency == code) for code in range(n)]
    factors = [
        *own, *(mine & np.isfinite(amount) for mine in own),
        *(mine * np.nan_to_num(amount) for mine in own), leads,
    ]  # fmt: skip
    first = np.arange(n)
    sums = {
        "decided": (decided.stood, first), "went_on": (decided.went_on, first),
        "never": (never, first), "paid": (bought, n + first), "money": (bought, 2 * n + first),
        "ended": (decided.went_on & closed[:, None], [3 * n]), "won": (bought, [3 * n]),
    }  # fmt: skip
    marks = np.hstack([np.repeat(mark, len(f), axis=1) for mark, f in sums.values()])
    which = np.concatenate([np.tile(f, mark.shape[1]) for mark, f in sums.values()])
    added = Summands(
        counted.of_lead, [np.asarray(x, float) for x in factors], which, marks.astype(float)
    )
    ends = np.cumsum([mark.shape[1] * len(f) for mark, f in sums.values()])

    def unpack(rows: np.ndarray) -> dict[str, np.ndarray]:
        parts = np.split(rows, ends[:-1], axis=1)
        shaped = (x.reshape(len(x), decided.stood.shape[1], -1) for x in parts)
        return dict(zip(sums, shaped, strict=True))

    whole = added.add_up(np.zeros(len(leads), int), 1)
    return unpack(whole), unpack(draw_sums(added, find_accounts(journeys.leads), seed=seed))


def _worth(sums: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Deals, and money, that one more lead going on brings, (n_draws, n_currencies) each."""
    rest = divide(sums["won"], sums["ended"])
    return rest, rest * divide(sums["money"], sums["paid"])


def _weigh_reference(reference: Reference, here, draws, scale: float, came: float) -> pd.DataFrame:
    """What it would bring to reach a reference: a row a currency."""
    now, then = reference.share_now, reference.share
    gap = max(then - now, 0) if np.isfinite(then - now) else np.nan
    table = _gain(
        gap * here["decided"], np.maximum(reference.gap, 0)[:, None] * draws["decided"],
        here, draws, scale,
    )  # fmt: skip
    return table.assign(
        lever="help", share_now=now, share_reference=then, reference=reference.name,
        share_expected=then, n_needed_per_arm=plan_size(now, max(now, then)), came=came,
        p=reference.p,
        n_decided=here["decided"][0], n_lost=(here["decided"] - here["went_on"])[0],
    )  # fmt: skip


def _weigh_asked(
    asked: dict, reference: Reference, here, draws, scale: float, came: float, seed: int
) -> pd.DataFrame:
    """What it would bring to ask those who were not: a row a currency.

    In a test one half is always asked, the other as now, when many are asked, too: so the test has
    to show the difference times the part of those who were not.
    """
    rng = np.random.default_rng([seed, asked["node"]])
    gap = asked["difference"] + asked["error"] * rng.normal(size=DRAWS)
    part = divide(here["never"][0], here["never"].sum())
    base = asked["n_not_asked"] * np.nan_to_num(part)
    more = max(asked["difference"], 0)
    table = _gain(more * base[None], np.maximum(gap, 0)[:, None] * base, here, draws, scale)
    now, n = reference.share_now, here["decided"].sum()
    then = min(now + more * asked["n_not_asked"] / max(n, 1), 1)
    return table.assign(
        lever="ask", share_now=now, share_reference=asked["share_asked"], reference="asked",
        share_expected=then, n_needed_per_arm=plan_size(now, then), came=came,
        p=np.where(asked["beyond_chance"], 0, 1), n_decided=base, n_lost=here["never"][0],
    )  # fmt: skip


def _gain(more: np.ndarray, drawn: np.ndarray, here, draws, scale: float) -> pd.DataFrame:
    """Deals and money of so many more that go on, (1, n_currencies), and of draws of them."""
    if not here["won"].sum() >= FEWEST_WON:
        more = np.full(more.shape, np.nan)
    won, amount = (scale * (more * x)[0] for x in _worth(here))
    known, drawn = np.isfinite(amount), [scale * drawn * x for x in _worth(draws)]
    ranges = [
        _find_bounds(drawn[int(known[c])][:, c], amount[c] if known[c] else won[c])
        for c in range(len(amount))
    ]
    return pd.DataFrame({
        "code": np.arange(len(amount)), "extra_won": won, "extra_amount": amount,
        "low": [low for low, _ in ranges], "high": [high for _, high in ranges],
    })  # fmt: skip


def _find_bounds(draws: np.ndarray, value: float) -> tuple[float, float]:
    """The range of a gain, which holds its own value; empty where that cannot be told."""
    if not np.isfinite(value):
        return np.nan, np.nan
    low, high = map(float, find_range(draws[np.isfinite(draws)]))
    low = low if low > EQUAL * high else 0.0  # what sums of floats leave is no gain
    return min(low, value), max(high, value)


def _judge(table: pd.DataFrame) -> pd.DataFrame:
    """Is a gain beyond chance, of all that page one could claim; how long does a test take?

    A share given is no claim: it is beyond chance where its range is above 0.
    """
    known = (table["lever"] == "help") & (table["code"] == 0)
    p_holm = table["p"].where(table["p"] == 0, np.nan)
    tested = known & table["p"].notna() & (table["reference"] != GIVEN)
    p_holm[tested] = correct_p(table.loc[tested, "p"].to_numpy())
    p_holm = p_holm.groupby([table["node"], table["lever"]]).transform("max")
    sure = (p_holm < FAMILY["hypotheses"]) | (table["reference"] == GIVEN)
    sure &= (table["low"] > 0) & (table["extra_won"] > 0)
    days = np.ceil(divide(2 * table["n_needed_per_arm"].to_numpy(), table["came"].to_numpy()))
    feasible = days <= LONGEST
    return table.assign(
        beyond_chance=sure,
        low=np.where(sure | table["low"].isna(), table["low"], 0),
        n_needed_per_arm=table["n_needed_per_arm"].where(feasible),
        days_needed=np.where(feasible, days, np.nan),
    ).drop(columns="came")


def _rank(table: pd.DataFrame) -> pd.DataFrame:
    """The step with most at stake first, its levers together, the larger first."""
    alone = len(table["currency"].unique()) == 1 and table["extra_amount"].notna().any()
    key = table["extra_amount" if alone else "extra_won"].fillna(-1)
    most = key.groupby(table["node"]).transform("max")
    order = table.assign(most=most, key=key).sort_values(
        ["most", "node", "currency", "key"], ascending=[False, True, True, False], kind="stable"
    )
    return order.drop(columns=["most", "key"]).reset_index(drop=True)
