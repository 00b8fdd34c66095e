"""What is true of a made-up world: whether it can be planted, its chances, how far leads come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise, product

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import SKIPPED_OFTEN
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.datasets.worlds import SPREAD, WON, WORLDS, World

DAYS_OPEN = 1, 10  # after leaving: at least, and the median of the rest, until a lead is closed
START = np.datetime64("2025-01-01T00:00", "s")


def find_world(world, n_leads, seed, lang):
    """Find the world and check that it can be planted; returns its name and the `World`."""
    problems = [f"n_leads is {n_leads}: plant at least 1 lead"] if n_leads < 1 else []
    problems += [f"seed is {seed}: take a whole number, 0 or more"] if seed < 0 else []
    if lang not in LANGUAGES:
        problems.append(f"no language {lang!r}; there are {', '.join(LANGUAGES)}")
    name, world = ("custom", world) if isinstance(world, World) else (world, WORLDS.get(world))
    if world is None:
        known = ", ".join(WORLDS)
        problems.append(f"no planted world {name!r}{suggest(name, WORLDS)}; there are {known}")
    for label, segment in world.segments.items() if world else ():
        problems += [f"segment {label}: {p}" for p in _check_segment(segment, world.steps)]
    if problems:
        raise InputError(problems)
    return name, world


def _check_segment(segment, steps):
    """Say what makes a segment impossible to walk."""
    path, pairs = segment.path, list(pairwise(segment.path))[:-1]
    if unknown := set(path) - {s.id for s in steps}:
        yield f"no such step: {', '.join(sorted(unknown))}; name it in the world's steps"
    if len(set(path)) < len(path) or len(path) < 2 or path[-1] != WON:
        yield f"the path must name two steps or more, each once, and end with {WON}"
    if {path[0], path[-1]} & set(segment.skip) or path[-1] in segment.repeat:
        yield f"{path[0]} and {path[-1]} cannot be skipped, the sale not repeated"
    if bad := [pair for pair in segment.swaps if pair not in pairs[1:]]:
        yield f"cannot swap {bad[0]}: name neighbours between the first step and the sale"
    if bad := [block for block in segment.loops if not {*pairwise(block)} <= {*pairs}]:
        yield f"cannot loop {bad[0]}: name neighbours in their order, before the sale"
    if min(segment.hours, segment.ask_hours) <= 0:
        yield "hours and ask_hours must be above 0: they are medians of waits"


def list_steps(world):
    """List the steps of a world in the order of steps.yml."""
    used = set(world.post_sale).union(*(segment.path for segment in world.segments.values()))
    return [s for s in world.steps if s.id in used]


def find_codes(steps, ids):
    """Look up the places of steps."""
    code = {s.id: i for i, s in enumerate(steps)}
    return [code[i] for i in ids]


def find_shares(world):
    """How large each segment is, as a share of the leads."""
    weights = np.array([segment.weight for segment in world.segments.values()], float)
    return weights / weights.sum()


def list_rates(segment, steps):
    """Look up a segment's chances by step code: go_on, ask, skip, repeat, unasked."""
    rates = []
    for name, default in {"go_on": 0.85, "ask": 0.0, "skip": 0.0, "repeat": 0.0}.items():
        given = getattr(segment, name)
        by_step = given if isinstance(given, Mapping) else dict.fromkeys(segment.path, given)
        rates.append(np.array([by_step.get(s.id, default) for s in steps], float))
    rates[1] *= [s.asked_by > "" for s in steps]
    matters = (rates[1] > 0) & (rates[2] < SKIPPED_OFTEN)
    return [*rates, np.where(matters, segment.unasked, 1.0)]


def describe_world(world, steps):
    """Write a world's parameters and true reach as plain dicts and lists."""
    kept = ("noise", "days", "date_only", "self_reported", "returning", "post_sale", "managers",
            "currency")  # fmt: skip
    # the key in truth.json is older than the name
    truth = {"told" if key == "self_reported" else key: getattr(world, key) for key in kept}
    truth["observed_until"] = str(START + np.timedelta64(world.days, "D"))
    truth["steps"], truth["segments"] = [s.id for s in steps if s.id not in world.post_sale], {}
    factors = {name: factor for name, (_, factor) in world.managers.items()}
    for (name, segment), share in zip(world.segments.items(), find_shares(world), strict=True):
        reach = _find_reach(segment, steps, list(factors.values()))
        own = {who: _find_reach(segment, steps, [factor]) for who, factor in factors.items()}
        truth["segments"][name] = asdict(segment) | {
            "share": float(share),
            "share_won": float(reach["reached"].iloc[-1]),
            "asked_in_time": float(_find_chance_in_time(segment)),
            "swaps": [{"pair": list(pair), "p": p} for pair, p in segment.swaps.items()],
            "loops": [{"block": list(block), "p": p} for block, p in segment.loops.items()],
            "reach": reach.to_dict("records"),
            "managers": {who: table["share_of_previous"].tolist() for who, table in own.items()},
        }
    truth["share_won"] = sum(s["share"] * s["share_won"] for s in truth["segments"].values())
    return json.loads(json.dumps(truth))  # tuples become lists, as they will in the file


def _find_chance_in_time(segment):
    """How likely an ask that is not made ahead comes before the client takes the step or leaves.

    Both waits are lognormal with the same sigma, so the logarithm of their ratio is normal.
    """
    return ndtr(np.log(segment.hours / segment.ask_hours) / (SPREAD * np.sqrt(2)))


def _find_asked_gain(segment, go_on, unasked, ahead):
    """How much more often those go on who are asked before they take the step or are closed as
    lost, than had nobody asked them, (n_steps,).

    An ask in time does it; one that comes to a client who has left, but is not closed yet, cannot.
    The mean over a grid of equally likely waits, 80 of each kind.
    """
    wait = np.exp(SPREAD * ndtri((np.arange(80) + 0.5) / 80))
    acts, asks = segment.hours * wait[:, None, None], segment.ask_hours * wait[:, None]
    in_time = ahead + (1 - ahead) * _find_chance_in_time(segment)
    late = (acts <= asks) & (asks < acts + DAYS_OPEN[0] * 24 + DAYS_OPEN[1] * 24 * wait)
    in_vain = (1 - ahead) * late.mean() * (1 - go_on * unasked)
    return go_on * (1 - unasked) * in_time / (in_time + in_vain)


def _find_reach(segment, steps, factors):
    """Compute the chance that a step of the path is taken, and that it or a later one is.

    Sums over the orders that swaps allow and over managers. Skips are independent: a walk that ends
    at a given depth shows nothing from a position on with the product of the skips it walked there.
    A client goes on with go_on where the ask comes in time, else with go_on x unasked.
    """
    n, pairs = len(segment.path), segment.swaps.items()
    go_on, ask, skip, _, unasked = (
        x[find_codes(steps, segment.path)] for x in list_rates(segment, steps)
    )
    in_time, ahead = _find_chance_in_time(segment), np.where(np.arange(n) > 1, segment.ask_ahead, 0)
    in_time = ahead + (1 - ahead) * in_time  # by the place in the order walked
    taken, reached = np.zeros(n), np.zeros(n)
    for *flips, factor in product(*[(False, True)] * len(pairs), factors):
        order, weight = np.arange(n), 1 / len(factors)
        for flip, ((first, _), p) in zip(flips, pairs, strict=True):
            j = segment.path.index(first)
            order[j : j + 2] = order[j : j + 2][:: -1 if flip else 1]
            weight *= p if flip else 1 - p
        asked = np.minimum(ask * factor, 1)[order] * in_time
        goes = go_on[order] * (asked + (1 - asked) * unasked[order])
        walked = np.cumprod(np.append(1, goes[1:]))
        ends = walked - np.append(walked[1:], 0)
        taken[order] += weight * walked * (1 - skip[order])
        for j in range(n):
            unseen = np.cumprod(np.where(order >= j, skip[order], 1))
            reached[j] += weight * (ends * (1 - unseen)).sum()
    previous = np.append(1, reached[:-1])
    share = np.divide(reached, previous, out=np.zeros(n), where=previous > 0)
    table = {"position": np.arange(n) + 1, "step": segment.path, "go_on": go_on, "ask": ask}
    gain = np.where(ask > 0, _find_asked_gain(segment, go_on, unasked, ahead), 0)
    table |= {"taken": taken, "reached": reached, "share_of_previous": share, "asked_gain": gain}
    return pd.DataFrame(table)
