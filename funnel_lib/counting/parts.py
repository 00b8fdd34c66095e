"""Into how many parts is a log split, so that counting stays within some memory?"""

from __future__ import annotations

import re

import numpy as np

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import EventLog, lead_codes

PER_EVENT = 160  # bytes that counting needs for an event it works on, measured with a million leads
UNITS = {f"{prefix}{i}b": base**n for base, i in ((1000, ""), (1024, "i"))
         for n, prefix in enumerate(("", "k", "m", "g", "t")) if prefix or not i}  # fmt: skip
_SIZE = re.compile(r"\s*(?P<number>\d{1,15}(?:[.,]\d+)?)\s*(?P<unit>[a-z]+)\s*", re.IGNORECASE)


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
