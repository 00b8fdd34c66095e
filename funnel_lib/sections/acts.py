"""A thing to do, as page one asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    """What somebody does with what was found."""

    when: str  # ``today``, ``week`` or ``month``
    title: str  # what to do, in a line
    told: list[str]  # why, with whom, how, in sentences
    gain: str  # what it may bring; empty where nobody can say
    section: str  # where more of it stands
    leads: tuple[str, ...] = ()  # that it names

    def tell(self) -> str:
        """All of it in sentences."""
        return " ".join([f"{self.title}.", *filter(None, [*self.told, self.gain])])
