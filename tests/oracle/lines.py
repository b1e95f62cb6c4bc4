"""A random configuration as single lines, so that a mismatch can be shrunk line by line."""

from __future__ import annotations

import random
from dataclasses import dataclass

from segaudit.model.flow import Family


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line for one program: ``nft``, ``iptables`` and ``ip6tables`` (with the table before the rule),
    ``ipset``, ``ip`` or ``sysctl``."""

    program: str
    text: str


@dataclass(frozen=True, slots=True)
class Dice:
    """A seeded source of choices."""

    random: random.Random

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, choices: tuple[str, ...], most: int) -> list[str]:
        return self.random.sample(choices, self.random.randint(1, min(most, len(choices))))

    def family(self) -> Family:
        return self.random.choice((Family.IPV4, Family.IPV6))
