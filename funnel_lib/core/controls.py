"""Characters that are no text: orders to a screen, and marks that turn the direction of reading."""

from __future__ import annotations

import re

# Blanks, tabs and ends of lines are text. As literal characters, so that Arrow reads it, too.
CONTROLS = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_CONTROLS = re.compile(CONTROLS)


def drop_controls(text: str) -> str:
    """Leave out what is no text: a picture would break of it, a screen obey it.

    Examples
    --------
    >>> drop_controls("Offer\\x1b[31m \\u202esent")
    'Offer[31m sent'
    """
    return _CONTROLS.sub("", text)
