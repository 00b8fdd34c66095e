"""`Tallies`: leads counted by what they did, equal walks once. Every count is a sum over walks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import STATUSES, EventLog, lead_codes
from funnel_lib.core.journeys import Journeys, code_statuses, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.core.times import NEVER, by_slices, to_micros

NOWHERE = np.iinfo(np.int32).max  # the place of what never comes
PER_EVENT = 160  # bytes that counting needs for an event it works on, measured with a million leads
UNITS = {f"{prefix}{i}b": base**n for base, i in ((1000, ""), (1024, "i"))
         for n, prefix in enumerate(("", "k", "m", "g", "t")) if prefix or not i}  # fmt: skip
_SIZE = re.compile(r"\s*(?P<number>\d{1,15}(?:[.,]\d+)?)\s*(?P<unit>[a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Tallies:
    """How many leads took each walk.

    A walk is all that counting asks of a lead's journey: which evidence came in which order, what
    at one time, where among it the sale and the manager's asks came, and how the lead ended. It has
    no times but places: 0, 2, 4 … are the moments at which there is evidence, odd numbers (and -1)
    lie between them. Left out is what counts for nothing: evidence of steps after the sale before
    it, asks before entry or after closing, and of asks of a kind between the same moments all but
    one. With a window, so is what came later than so long after entry (after the sale: after it).

    Walks are ordered by their content alone, whatever the order and the ids of leads, and so do
    those of several partitions add up (see `add_tallies`).
    """

    steps: Steps
    measurable: np.ndarray  # (n_steps,) as of the journeys
    has_sales: bool
    n: np.ndarray  # (n_walks,) how many leads, a float
    members: np.ndarray  # (n_walks, n_segments) how much each of these leads belongs to a segment
    status: np.ndarray  # (n_walks,) positions in `events.STATUSES`
    entered: np.ndarray  # (n_walks,) whether it counts before the sale: entered, observed so long
    bought: np.ndarray  # (n_walks,) whether it counts after the sale
    sold: np.ndarray  # (n_walks,) place of the sale; `NOWHERE` where there is none
    offsets: np.ndarray  # (n_walks + 1,) walk i owns evidence offsets[i] to offsets[i + 1]
    step: np.ndarray  # (n_evidence,) positions in `steps.ids`
    place: np.ndarray  # (n_evidence,)
    self_reported: np.ndarray  # (n_evidence,)
    ask_offsets: np.ndarray  # (n_walks + 1,)
    ask_kind: np.ndarray  # (n_asks,) as of the journeys
    ask_place: np.ndarray  # (n_asks,)
    ask_sets: np.ndarray  # (n_kinds, n_steps)
    of_lead: np.ndarray  # (n_leads,) each lead's walk
    first: np.ndarray  # (n_walks,) some lead of each walk

    @property
    def walk(self) -> np.ndarray:
        """Whose each piece of evidence is, (n_evidence,)."""
        return np.repeat(np.arange(len(self.n), dtype=np.int32), np.diff(self.offsets))

    @property
    def ask_walk(self) -> np.ndarray:
        """Whose each ask is, (n_asks,)."""
        return np.repeat(np.arange(len(self.n), dtype=np.int32), np.diff(self.ask_offsets))

    def has_status(self, status: str) -> np.ndarray:
        """Which walks ended so, (n_walks,)?"""
        return self.status == STATUSES.index(status)

    def add_up(self, values: np.ndarray) -> np.ndarray:
        """Add up what each lead has, (n_leads,) or (n_leads, n), by walk."""
        values = np.asarray(values)
        if values.ndim == 1:
            return np.bincount(self.of_lead, values, minlength=len(self.n))
        return np.column_stack([self.add_up(column) for column in values.T])


_OF_WALK = ("n", "members", "status", "entered", "bought", "sold")
_OF_EVIDENCE = ("step", "place", "self_reported")
_OF_ASK = ("ask_kind", "ask_place")


def tally(
    journeys: Journeys, memberships: np.ndarray | None = None, window: int = NEVER
) -> Tallies:
    """Count leads by what they did, with what each belongs to, (n_leads, n_segments).

    A window (microseconds) keeps only the leads observed for so long and what they did by then. The
    result is kept with the journeys, as every table asks for it. Of journeys in several parts each
    part is counted, and they are added: the same, in less memory. Cost: linear in the evidence,
    but for one sort of the walks.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "b", "b", "c"], "action": ["ask", "pay", "ask", "pay", "ask"],
    ...     "at": pd.date_range("2025-01-01", periods=5)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> counted = tally(build_journeys(log, steps))
    >>> sorted(counted.n.tolist()), len(counted.of_lead)
    ([1.0, 2.0], 3)
    """
    key = "walks", window, memberships is None  # of the last memberships alone
    known = journeys.kept.get(key)
    if known is None or known[0] is not memberships:
        if memberships is None:
            parts = [_collapse(_lay_out(part, window)) for part in _split_leads(journeys)]
            counted = add_tallies(parts) if len(parts) > 1 else parts[0]
        else:
            counted = _split(tally(journeys, None, window), np.asarray(memberships, float))
        known = journeys.kept[key] = memberships, counted
    return known[1]


def add_tallies(parts: list[Tallies]) -> Tallies:
    """Add the tallies of partitions of one log, each of other leads; leads stand one after another.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "b"], "action": "ask", "at": "2025-01-01"}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> counted = tally(build_journeys(log, steps))
    >>> add_tallies([counted, counted]).n.tolist()
    [4.0]
    """
    ends = np.cumsum([0, *(len(part.n) for part in parts)])
    leads = np.cumsum([0, *(len(part.of_lead) for part in parts)])

    def join(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    both = replace(
        parts[0],
        **{name: join(name) for name in (*_OF_WALK, *_OF_EVIDENCE, *_OF_ASK)},
        measurable=np.any([part.measurable for part in parts], axis=0),
        has_sales=any(part.has_sales for part in parts),
        offsets=_join_offsets([part.offsets for part in parts]),
        ask_offsets=_join_offsets([part.ask_offsets for part in parts]),
        of_lead=np.concatenate([part.of_lead + at for part, at in zip(parts, ends, strict=False)]),
        first=np.concatenate([part.first + at for part, at in zip(parts, leads, strict=False)]),
    )
    return _collapse(both)


def _split_leads(journeys: Journeys) -> Iterator[Journeys]:
    """The journeys in parts of about as much evidence, each of leads that stand together."""
    if journeys.n_parts == 1:
        yield journeys
        return
    n = len(journeys.step)
    shares = np.arange(1, journeys.n_parts) * n // journeys.n_parts
    ends = [0, *np.searchsorted(journeys.offsets, shares), len(journeys.leads)]
    for begin, end in pairwise(np.unique(ends)):
        keep = np.zeros(len(journeys.leads), bool)
        keep[begin:end] = True
        yield select_leads(journeys, keep)


def _join_offsets(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))])


def _lay_out(journeys: Journeys, window: int) -> Tallies:
    """Each lead's walk, none collapsed yet."""
    leads, until = journeys.leads, journeys.observed_until.value // 1000
    entered, sold, closed = (to_micros(leads[c]) for c in ("entered_at", "sold_at", "closed_at"))
    base, bought = entered < NEVER, (entered < NEVER) & (sold < NEVER)
    if window < NEVER:
        base &= until - np.where(base, entered, until) >= window
        bought &= until - np.where(bought, sold, until) >= window
    last, last_after = _end_windows(entered, base, window), _end_windows(sold, bought, window)
    lead, step, at = journeys.lead, journeys.step, journeys.at
    keep = at <= last[lead]
    after = np.flatnonzero(step >= len(journeys.steps.before_sale))
    keep[after] = (at[after] >= sold[lead[after]]) & (at[after] <= last_after[lead[after]])
    offsets, reported = journeys.offsets, journeys.self_reported
    if not keep.all():
        lead, step, at, reported = (x[keep] for x in (lead, step, at, reported))
        offsets = np.append(0, np.cumsum(np.bincount(lead, minlength=len(leads))))
    place = _number_moments(lead, at, offsets)
    sold_place = np.full(len(leads), NOWHERE)
    buyers = np.flatnonzero((sold < NEVER) & (sold <= last))
    sold_place[buyers] = _find_place(offsets, at, place, buyers, sold[buyers])
    owner, asked_at = journeys.ask_lead, journeys.ask_at
    asks = asked_at <= np.minimum(closed, np.where(entered < NEVER, last, NEVER))[owner]
    asks &= (asked_at >= entered[owner]) | (entered == NEVER)[owner]
    owner, asked_at = owner[asks], asked_at[asks]
    asked = _find_place(offsets, at, place, owner, asked_at)
    ask_offsets, ask_kind, ask_place = _drop_repeated(
        owner, journeys.ask_kind[asks], asked, len(leads)
    )
    each = np.arange(len(leads), dtype=np.int32)
    status = code_statuses(leads["status"])
    return Tallies(
        journeys.steps, journeys.measurable, journeys.has_sales,
        np.ones(len(leads)), np.ones((len(leads), 1)), status, base, bought,
        sold_place.astype(np.int32), offsets, step, place, reported,
        ask_offsets, ask_kind, ask_place, journeys.ask_sets, each, each,
    )  # fmt: skip


def _end_windows(start: np.ndarray, counts: np.ndarray, window: int) -> np.ndarray:
    """Until when evidence counts, (n_leads,): so long after a start, of leads that count."""
    end = NEVER if window == NEVER else np.where(counts, start, 0) + window
    return np.where(counts, end, -NEVER)


def _number_moments(lead: np.ndarray, at: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Number each lead's moments with evidence 0, 2, 4 …, (n_evidence,)."""
    new = np.ones(len(at), bool)
    new[1:] = (at[1:] != at[:-1]) | (lead[1:] != lead[:-1])
    number = np.cumsum(new, dtype=np.int32)
    length = np.diff(offsets)
    begins = number[offsets[:-1][length > 0]]
    number -= np.repeat(begins, length[length > 0])
    return number * 2


def _find_place(offsets, at, place, lead, times) -> np.ndarray:
    """Where among a lead's evidence a time lies, (n_times,).

    A search by halves in all leads at once: as many rounds as the longest journey has binary
    digits.
    """
    if not len(at) or not len(lead):
        return np.full(len(lead), -1, np.int32)
    low, high = offsets[:-1][lead], offsets[1:][lead]
    start = low
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high) // 2
        before = (low < high) & (at.take(middle, mode="clip") <= times)
        high = np.where((low < high) & ~before, middle, high)
        low = np.where(before, middle + 1, low)
    last = np.maximum(low - 1, 0)
    return np.where(low > start, place[last] + (at[last] != times), -1)


def _drop_repeated(owner, kind, place, n_leads):
    """Asks in order of lead, place and kind, each once: offsets (n_leads + 1,), kinds, places."""
    n_kinds = int(kind.max(initial=0)) + 1
    wide = int(place.max(initial=-1)) + 2
    key = np.unique((owner.astype(np.int64) * wide + place + 1) * n_kinds + kind)
    kind, rest = (key % n_kinds).astype(np.int16), key // n_kinds
    place = (rest % wide - 1).astype(np.int32)
    offsets = np.append(0, np.cumsum(np.bincount(rest // wide, minlength=n_leads)))
    return offsets, kind, place


def _split(counted: Tallies, memberships: np.ndarray) -> Tallies:
    """Part walks whose leads do not belong to the segments alike."""
    alike = memberships[counted.first]
    if (alike[counted.of_lead] == memberships).all():
        return replace(counted, members=alike)
    rows = np.ascontiguousarray(memberships).view(np.uint64)
    code = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        code = _mix(code ^ column)
    apart = pd.factorize(_mix(code ^ _mix(counted.of_lead.astype(np.uint64))))[0]
    first = find_firsts(apart)
    parts = _take(counted, counted.of_lead[first])
    n = np.bincount(apart, minlength=len(first)).astype(float)
    parts = replace(parts, n=n, members=memberships[first], of_lead=apart, first=first)
    return _collapse(parts)


def _take(counted: Tallies, walks: np.ndarray) -> Tallies:
    """Some walks, in the order given; whose leads they are is left as it was."""
    offsets, rows = _take_runs(counted.offsets, walks)
    ask_offsets, asks = _take_runs(counted.ask_offsets, walks)
    kinds = ((_OF_WALK, walks), (_OF_EVIDENCE, rows), (_OF_ASK, asks))
    taken = {name: getattr(counted, name)[which] for names, which in kinds for name in names}
    return replace(
        counted, offsets=offsets, ask_offsets=ask_offsets, first=counted.first[walks], **taken
    )


def _take_runs(offsets: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of the runs to take, and the rows of all of them."""
    length = np.diff(offsets)[which]
    new = np.append(0, np.cumsum(length))
    return new, np.arange(new[-1]) + np.repeat(offsets[which] - new[:-1], length)


def _collapse(walks: Tallies) -> Tallies:
    """Count equal walks once, in the order of their hashes.

    Every walk is compared with the first of its hash; should two that differ have the same one,
    all are hashed anew.
    """
    runs, heads = _list_runs(walks)
    for seed in range(8):
        node, keys = pd.factorize(_hash_runs(runs, heads, seed))
        first = find_firsts(node)
        same = all((head == head[first[node]]).all() for head in heads)
        if same and all(_are_equal(*run, first[node]) for run in runs):
            break
    else:
        raise RuntimeError("walks cannot be told apart by their hashes")
    order = np.argsort(keys)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    n = np.bincount(node, walks.n, minlength=len(keys))[order]
    found = replace(_take(walks, first[order]), n=n)
    return replace(found, of_lead=rank[node][walks.of_lead])


def _list_runs(walks: Tallies):
    """All that tells walks apart as numbers: evidence and asks, each as marks, a walk's in
    ascending order, and their offsets (n_walks + 1,); and of each walk its end and memberships,
    (n_walks,) each, of 64 bits."""
    wide, word = len(walks.steps.ids), np.uint64
    least = np.int32 if 2 * wide * walks.place.max(initial=0) < NOWHERE - 2 * wide else np.int64
    shown = (walks.place.astype(least, copy=False) * wide + walks.step) * 2 + walks.self_reported
    asked = (walks.ask_place.astype(np.int64) + 1) * len(walks.ask_sets) + walks.ask_kind
    ends = walks.status + (walks.entered * 4 + walks.bought * 8) + (walks.sold + np.int64(1)) * 16
    heads = [ends.view(word)]
    if walks.members.shape[1] > 1:
        heads += [np.ascontiguousarray(column).view(word) for column in walks.members.T]
    shown = _order_ties(shown, walks.offsets)
    return [(shown, walks.offsets), (~asked.view(word), walks.ask_offsets)], heads


def _order_ties(marks: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Put evidence of one step and moment in order: what is only the manager's word comes last."""
    falls = np.flatnonzero(marks[1:] < marks[:-1]) + 1
    if np.isin(falls, offsets).all():  # only where another walk begins
        return marks
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return marks[np.lexsort((marks, owner))]


def _hash_runs(runs, heads: list[np.ndarray], seed: int) -> np.ndarray:
    """A hash of each walk; of a run the sum of the hashes of its marks, whose order is known."""
    key = np.full(len(heads[0]), seed, np.uint64)
    for head in heads:
        key = _mix(key ^ head)
    for marks, offsets in runs:
        sums = np.zeros(len(marks) + 1, np.uint64)
        sums[1:] = by_slices(
            lambda x: _mix(x.astype(np.uint64) + np.uint64(seed)), marks, np.uint64
        )
        np.cumsum(sums, out=sums)
        key = _mix(key ^ (sums[offsets[1:]] - sums[offsets[:-1]]))
    return key


def _are_equal(marks: np.ndarray, offsets: np.ndarray, other: np.ndarray) -> bool:
    """Whether each run is that of another number."""
    length = np.diff(offsets)
    if (length != length[other]).any():
        return False
    return bool((marks == marks[_take_runs(offsets, other)[1]]).all())


def find_firsts(numbers: np.ndarray) -> np.ndarray:
    """The first row of each number 0, 1, 2 …, of which none is left out."""
    first = np.empty(int(numbers.max(initial=-1)) + 1, np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return first


def number_rows(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number equal rows of booleans alike: the first row of each number, and each row's number."""
    packed = np.packbits(marks, axis=1)
    words = np.zeros((len(marks), -(-packed.shape[1] // 8) * 8), np.uint8)
    words[:, : packed.shape[1]] = packed
    number = np.zeros(len(marks), np.int64)
    for word in words.view(np.uint64).T:
        codes, values = pd.factorize(word)
        number = pd.factorize(number * len(values) + codes)[0]
    return find_firsts(number), number


def _mix(words: np.ndarray) -> np.ndarray:
    """Scatter numbers of 64 bits (SplitMix64: Steele, Lea and Flood 2014,
    https://doi.org/10.1145/2660193.2660195); sums run over."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def read_size(text: str) -> int:
    """Read a size of memory such as ``6GiB`` or ``500 MB``, in bytes; 0 where none is given.

    Raises `InputError` for a size without a unit, or none at all.

    Examples
    --------
    >>> read_size("6GiB"), read_size("0,5 MB"), read_size("")
    (6442450944, 500000, 0)
    """
    if not text:
        return 0
    found = _SIZE.fullmatch(text)
    size = 0
    if found and found["unit"].lower() in UNITS:
        size = int(float(found["number"].replace(",", ".")) * UNITS[found["unit"].lower()])
    if size <= 0:
        raise InputError([f"memory {text!r}: write a size with its unit, such as 6GiB or 500MB"])
    return size


def count_parts(log: EventLog, memory: str) -> int:
    """In how many parts is a log counted within some memory? In one, where none is given.

    A part holds whole leads. Raises `InputError` where the longest lead alone needs more.
    """
    size = read_size(memory)
    if not size:
        return 1
    n = np.bincount(lead_codes(log), minlength=1)
    least = int(n.max()) * PER_EVENT
    if size < least:
        lead = log.leads["lead_id"].iloc[int(n.argmax())]
        raise InputError([
            f"memory {memory!r} is too little: the lead {lead} alone has {n.max():,} events and "
            f"needs {-(-least // 1024):,} KiB; give at least that"
        ])  # fmt: skip
    return max(-(-len(log.events) * PER_EVENT // size), 1)
