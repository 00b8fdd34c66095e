"""One noisy path: the steps clients of a segment take in their order, and how likely a journey is.

A journey is a walk whose position on the path is hidden. From a position the next event is

- noise: any step at all, the position stays (chance iota; another one before the first step);
- else a repeat of the current step (rho_j);
- else, where a block of steps ends that clients go through again, the start of the block (beta);
- else the next step of the path; each step m jumped over costs its own skip chance delta_m.

A step that is taken may be recorded as another one, any at all (chance epsilon): a wrong click.

Two neighbouring steps may be a pair: they come in the other order with chance sigma. The end is
free: a journey may stop anywhere, and stopping says nothing. So the last step cannot be skipped
(there is no next event then); after it there is noise, and repeats, as rare as elsewhere, and what
a next step would take is nobody's: a path that says what comes explains more. Every chance of
moving is a product of these few chances and their complements: they are all that EM has to count.

How journeys are computed stands in `trees`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

LOWEST, HIGHEST = 1e-3, 0.97  # of every chance, so that nothing is impossible
RARE = 0.1  # a step fewer take is no step of the path; an order fewer take is no either-order pair


@dataclass(frozen=True)
class Path:
    """The codes of a segment's steps in order, and what is known of its clients' walks.

    Of the chances `skip` to `loops` only those that differ from the model's own are listed; the
    shares `skipped` to `stop` are what was seen. They differ: the chances in `skip` are of the next
    event, and those who stop are never seen to skip.
    """

    steps: tuple[int, ...]
    # position → chance that a client who goes on does so without this step
    skip: dict[int, float] = field(default_factory=dict)
    # position → chance that the step comes once more, and so on
    repeat: dict[int, float] = field(default_factory=dict)
    # position j → chance that steps j and j + 1 come the other way round
    swaps: dict[int, float] = field(default_factory=dict)
    # (first, last) → chance that, having come to `last`, the client starts again at `first`
    loops: dict[tuple[int, int], float] = field(default_factory=dict)
    skipped: tuple[float, ...] = ()  # by position: share of those who came so far
    repeated: tuple[float, ...] = ()  # by position: share of times the step followed itself
    looped: tuple[float, ...] = ()  # by loop (sorted): share of times its start followed its end
    # by steps passed (0 … all): chance that a journey ends there at any one event; for simulating
    stop: tuple[float, ...] = ()
    # by gap class: how much more often it comes than the same steps have it overall, if it differs
    pace: tuple[float, ...] = ()
    weight: float = 1.0  # share of leads

    @property
    def shape(self) -> tuple:
        """What decides which moves there are: length, pairs, loops."""
        return len(self.steps), tuple(sorted(self.swaps)), tuple(sorted(self.loops))

    def to_dict(self) -> dict:
        """Write the path as plain lists and numbers."""
        saved = {"steps": [int(s) for s in self.steps], "weight": float(self.weight)}
        for name in CHANCES:
            items = sorted(getattr(self, name).items())
            saved[name] = [[np.array(at).tolist(), float(p)] for at, p in items]
        return saved | {name: list(map(float, getattr(self, name))) for name in SHARES}

    @classmethod
    def from_dict(cls, saved: dict) -> Path:
        """Read a path written by `to_dict`."""
        chances = {
            name: {tuple(at) if name == "loops" else at: p for at, p in saved[name]}
            for name in CHANCES
        }
        shares = {name: tuple(saved[name]) for name in SHARES}
        return cls(tuple(saved["steps"]), **chances, **shares, weight=saved["weight"])


def change(path: Path, **fields) -> Path:
    """Copy a path with some fields changed, as `replace` does, in a fifth of its time."""
    new = object.__new__(Path)
    vars(new).update(vars(path), **fields)
    return new


CHANCES = "skip", "repeat", "swaps", "loops"
SHARES = "skipped", "repeated", "looped", "stop", "pace"


@dataclass(frozen=True)
class Moves:
    """All moves on a path of one shape, from state to state; state 0 is before the first step.

    A move's chance is a product of some chances p and some complements 1 - p, in the order: skip
    (by position), repeat (by position), swaps, loops, noise, noise before the first step.
    """

    position: np.ndarray  # of each state's step on the path, -1 for state 0
    passed: np.ndarray  # number of steps passed in each state
    source: np.ndarray  # of each move, a state
    target: np.ndarray
    noisy: np.ndarray  # a noise move stays where it is
    yes: np.ndarray  # (n_moves, n_chances) 0.0 or 1.0, the chances a move's chance has
    no: np.ndarray  # likewise, the complements
    quiet: np.ndarray  # the moves that are no noise
    edge: np.ndarray  # where each of these stands in a flat table of states by states


@lru_cache(maxsize=1024)  # an audit needs some 700, of 40 kB each
def list_path_moves(
    n_steps: int, pairs: tuple[int, ...] = (), loops: tuple[tuple[int, int], ...] = ()
) -> Moves:
    """Which moves are there on a path of this shape, and what is each one's chance made of?

    A step is one state. A pair (a, b) is four: a, b still to come; b last; b, a still to come;
    a last.
    """
    slots, states = _lay_out(n_steps, pairs)
    swap = {j: 2 * n_steps + i for i, j in enumerate(pairs)}
    loop = {last: (first, 2 * n_steps + len(pairs) + i) for i, (first, last) in enumerate(loops)}
    noise, end = 2 * n_steps + len(pairs) + len(loops), len(slots) - 1

    def leave(u):
        """List the moves from state u."""
        j, passed, slot, pending = states[u]
        noisy = (noise,) if u else (noise + 1,)
        stay = (*noisy, n_steps + j) if u else noisy
        yield u, noisy, (), True
        if u:
            yield u, (n_steps + j,), noisy, False
        if u and not pending and passed - 1 in loop:
            first, chance = loop[passed - 1]
            back = next(i for i, (p, _) in enumerate(slots) if p == first)
            yield from _enter(slots, swap, back, slot, (chance,), stay)
            stay = (*stay, chance)
        if pending:
            b = states[pending][0]
            yield pending, (), (stay if slot == end else (*stay, b)), False
        if slot < end:
            skipped = (states[pending][0],) if pending else ()
            yield from _enter(slots, swap, slot + 1, end, skipped, stay)

    moves = [(u, *move) for u in range(len(states)) for move in leave(u)]
    yes, no = np.zeros((2, len(moves), noise + 2))
    for table, column in (yes, 2), (no, 3):
        table[
            [i for i, m in enumerate(moves) for _ in m[column]],
            [c for m in moves for c in m[column]],
        ] = 1
    source, target, noisy = (np.array([move[c] for move in moves]) for c in (0, 1, 4))
    position, passed = (np.array([state[c] for state in states]) for c in (0, 1))
    quiet = np.flatnonzero(~noisy)
    edge = source[quiet] * len(states) + target[quiet]
    return Moves(position, passed, source, target, noisy, yes, no, quiet, edge)


def _enter(slots, swap, first, stop, yes, no):
    """List the moves into slots from the first on; in slot `stop` a step must be taken."""
    for slot in range(first, stop + 1):
        j, state = slots[slot]
        if j in swap:
            normal, turned = (yes, (*no, swap[j])), ((*yes, swap[j]), no)
            for a, b, s, (y, n) in ((j, j + 1, state, normal), (j + 1, j, state + 2, turned)):
                yield s, y, (*n, a), False
                yield s + 1, (*y, a), (n if slot == stop else (*n, b)), False
            yes = (*yes, j, j + 1)
        else:
            yield state, yes, (no if slot == stop else (*no, j)), False
            yes = (*yes, j)


def _lay_out(n_steps, pairs):
    """Lay out slots (position, first state) and states (position, passed, slot, pending state)."""
    slots, states, j = [], [(-1, 0, -1, 0)], 0
    while j < n_steps:
        i, s = len(slots), len(states)
        slots.append((j, s))
        if j in pairs:
            states += [(j, j + 1, i, s + 1), (j + 1, j + 2, i, 0)]
            states += [(j + 1, j + 1, i, s + 3), (j, j + 2, i, 0)]
        else:
            states.append((j, j + 1, i, 0))
        j += 2 if j in pairs else 1
    return slots, states


@dataclass(frozen=True)
class Rates:
    """Chances all paths share: skip and repeat where a path has none of its own, noise, errors."""

    skip: float = 0.03
    repeat: float = 0.02
    noise: float = 0.05
    early: float = 0.02  # noise before the first step
    wrong: float = 0.005  # a step is recorded as any other
    bought: float = 1.0  # how many times as often those who bought lack a step


def list_chances(path: Path, rates: Rates) -> np.ndarray:
    """List all chances of a path in the order of `Moves`."""
    n = len(path.steps)
    return np.array(
        [path.skip.get(j, rates.skip) for j in range(n)]
        + [path.repeat.get(j, rates.repeat) for j in range(n)]
        + [path.swaps[j] for j in sorted(path.swaps)]
        + [path.loops[block] for block in sorted(path.loops)]
        + [rates.noise, rates.early]
    )


class Walker:
    """A path ready for computing: chances of moves between states, and which step each emits.

    `move` is the chance of each of `moves`, `go` (n_states, n_states) of going on to a state; both
    once, or for those who have not bought and those who have. `noise` is the chance of noise, in
    state 0 `early`; `codes` (n_states,) the step of each state; `many` (n_codes,) how many steps
    each code stands for: noise comes as often.
    """

    def __init__(self, path: Path, rates: Rates, n_codes: int, many: np.ndarray | None = None):
        self.moves = moves = list_path_moves(*path.shape)
        chances, n = list_chances(path, rates)[None], len(moves.position)
        if rates.bought != 1:
            own, at = chances.copy(), slice(len(path.steps))
            own[:, at] = np.clip(rates.bought * own[:, at], LOWEST, HIGHEST)
            chances = np.vstack([chances, own])
        self.move = np.exp(np.log(chances) @ moves.yes.T + np.log1p(-chances) @ moves.no.T)
        tables = [np.bincount(moves.edge, move[moves.quiet], n * n) for move in self.move]
        self.go = np.reshape(tables, (len(tables), n, n))
        self.codes, self.n_codes = np.array([*path.steps, -1])[moves.position], n_codes
        self.many = np.ones(n_codes) if many is None else many
        self.noise, self.early, self.wrong = rates.noise, rates.early, rates.wrong


@dataclass(frozen=True)
class Counts:
    """What the journeys of a segment did, expected: the E-step of one path."""

    yes: np.ndarray  # how often each chance came true
    no: np.ndarray  # and how often not
    moves: np.ndarray  # how often each move was made
    noise: np.ndarray | None  # (n_codes, n_states) noise events by step and state
    ended: np.ndarray | None  # (n_states,) where journeys ended
    wrong: np.ndarray | None  # (n_codes, n_states) steps taken but recorded wrong, as which step
    right: float = 0.0  # steps taken and recorded right
    bought: np.ndarray | None = None  # of those who bought, (2, n_steps): skipped, not skipped


def describe_walk(path: Path, walker: Walker, counts: Counts) -> Path:
    """Add to a path what its clients were seen to do: skipped, repeated, looped, stop."""
    n, moves, made = len(path.steps), walker.moves, counts.moves
    quiet, again = ~moves.noisy, (moves.source == moves.target) & ~moves.noisy
    here, there = moves.position[moves.source], moves.position[moves.target]

    def tally(which, at, size):
        return np.bincount(at[which] + 1, made[which], size + 1)[1:]

    left = tally(quiet & ~again, here, n)
    taken, repeats = tally(quiet, there, n), tally(again, here, n)
    passed = moves.passed[moves.source]
    done = [moves.passed[moves.target] == last + 1 for _, last in sorted(path.loops)]
    came = np.array([made[quiet & ~again & d].sum() for d in done])
    ends = np.bincount(moves.passed, counts.ended, n + 1)
    events = np.bincount(passed, made, n + 1)
    first = 2 * n + len(path.swaps)
    looped = counts.yes[first : first + len(path.loops)] / np.maximum(came, 1e-9)
    return change(
        path,
        skipped=_shares(counts.yes[:n], left),
        repeated=_shares(repeats, taken - repeats),
        looped=tuple(np.minimum(looped, HIGHEST).tolist()),
        stop=_shares(ends, events),
    )


def _shares(yes, no):
    return tuple(((yes + 1e-9) / (yes + no + 1e-6)).tolist())


def simulate(
    path: Path, rates: Rates, many: np.ndarray, n: int, longest: int, end_step: int, rng
) -> np.ndarray:
    """Walk a path n times, stopping as often as was seen; returns (n, longest) codes, -1 padded.

    Noise, and what is recorded wrong, is any step but the sale, which ends a journey. Where those
    who bought lack steps more or less often, whoever comes to the sale walks anew, as they do.
    """
    walker = Walker(path, rates, len(many), many)
    stop = np.array(path.stop)[walker.moves.passed]
    rows = _simulate(walker, 0, stop, n, longest, end_step, rng)
    if len(walker.move) > 1:
        sold = (rows == end_step).any(axis=1)
        rows[sold] = _simulate(walker, 1, 0 * stop, int(sold.sum()), longest, end_step, rng)
    return rows


def _simulate(walker: Walker, table: int, stop, n: int, longest: int, end_step: int, rng):
    """Walk with one table of moves."""
    moves, kinds = walker.moves, walker.many * (np.arange(walker.n_codes) != end_step)
    rows, state, going = np.full((n, longest), -1), np.zeros(n, int), np.ones(n, bool)
    states, kinds = np.arange(len(walker.codes)), kinds / kinds.sum()
    cumulated = [np.cumsum(walker.move[table, moves.source == s]) for s in states]
    offset = np.searchsorted(moves.source, states)
    for t in range(longest):
        if t:
            going &= rng.random(n) >= stop[state]
        draw, made = rng.random(n), np.zeros(n, int)
        for s in np.unique(state[going]):
            here = going & (state == s)
            total = cumulated[s]
            made[here] = offset[s] + np.searchsorted(total, draw[here] * total[-1])
        noise = rng.choice(len(kinds), n, p=kinds)
        state = np.where(going, moves.target[made], state)
        stray = moves.noisy[made] | (rng.random(n) < walker.wrong)
        rows[:, t] = np.where(going, np.where(stray, noise, walker.codes[state]), -1)
        going &= rows[:, t] != end_step
        if not going.any():
            break
    return rows
