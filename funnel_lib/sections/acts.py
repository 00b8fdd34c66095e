"""A thing to do, as page one asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    """What somebody does with what was found.

    Attributes
    ----------
    when : ``today``, ``week`` or ``month``
    title : what to do, in a line
    told : why, with whom, how, in sentences
    gain : what it may bring; empty where nobody can say
    section : where more of it stands
    leads : the leads that it names
    """

    when: str
    title: str
    told: list[str]
    gain: str
    section: str
    leads: tuple[str, ...] = ()

    def tell(self) -> str:
        """All of it in sentences."""
        return " ".join([f"{self.title}.", *filter(None, [*self.told, self.gain])])
