"""What chains of rules do, first match first. What is not modelled may match, and never must."""

from typing import Any, NamedTuple

from segaudit.recheck.proof import Refused
from segaudit.recheck.sets import ALL, NONE, Headers, Packets, union


class Seen(NamedTuple):
    """How rules see packets: between which interfaces, and in which connection state."""

    incoming: str | None = None
    outgoing: str | None = None
    state: str = "new"


Translated = list[tuple[Packets, tuple[tuple[str, ...], Packets]]]
"""Packets, each with the fields that are rewritten and the packets that are possible afterwards."""
Decided = tuple[Packets, Packets, Translated]
"""Packets accepted, packets returned or run past the end, packets translated; the rest is dropped."""


class Rules:
    """Chains by name, each a list of rules and whether it accepts what runs past its end."""

    def __init__(self, headers: Headers, chains: Any) -> None:
        self._headers, self._chains = headers, chains
        self._decided: dict[tuple[str, Seen], Decided] = {}

    def attached(self, chain: str, seen: Seen) -> tuple[Packets, Translated]:
        """The packets that a chain accepts as they are, its default included, and those it translates."""
        accepted, back, translated = self._decide(chain, seen, ())
        return accepted | back if self._chains[chain][1] else accepted, translated

    def _decide(self, chain: str, seen: Seen, above: tuple[str, ...]) -> Decided:
        if chain in above or chain not in self._chains:
            raise Refused(f"chain {chain} jumps in a circle or is not there")
        if (chain, seen) not in self._decided:
            self._decided[chain, seen] = self._run(self._chains[chain][0], seen, (*above, chain))
        return self._decided[chain, seen]

    def _run(self, rules: Any, seen: Seen, above: tuple[str, ...]) -> Decided:
        rest, accepted, back, translated = ALL, NONE, NONE, list[Any]()
        for matches, action in rules:
            may, must = self.bounds(matches, seen)
            taken, rest = rest & may, rest - must
            match action:
                case ["accept" | "drop" as how]:
                    accepted |= taken if how == "accept" else NONE
                case ["return"]:
                    back |= taken
                case ["continue"]:
                    rest |= taken
                case ["unknown"]:
                    accepted, back, rest = accepted | taken, back | taken, rest | taken
                case ["translate", fields, pool]:
                    translated.append((taken, (tuple(fields), self.may(pool, seen))))
                case ["jump" | "goto" as how, chain]:
                    inside, returned, moved = self._decide(chain, seen, above)
                    translated += [(taken & packets, rewrite) for packets, rewrite in moved]
                    accepted, returned = accepted | taken & inside, taken & returned
                    rest, back = (rest | returned, back) if how == "jump" else (rest, back | returned)
                case _:
                    raise Refused(f"action {action} is not known here")
        return accepted, back | rest, translated

    def may(self, matches: Any, seen: Seen | None = None) -> Packets:
        """The packets that a match may match."""
        return self.bounds(matches, seen or Seen())[0]

    def bounds(self, matches: Any, seen: Seen) -> tuple[Packets, Packets]:
        """The packets that a match may, and those that it must, match."""
        match matches:
            case ["unknown"]:
                return ALL, NONE
            case ["not", of]:
                may, must = self.bounds(of, seen)
                return ALL - must, ALL - may
            case ["any", of]:
                parts = [self.bounds(part, seen) for part in of]
                return union(may for may, _ in parts), union(must for _, must in parts)
            case ["all", of]:
                may, must = self.bounds(["any", [["not", part] for part in of]], seen)
                return ALL - must, ALL - may
            case ["interface", way, names]:
                found = ALL if (seen.incoming if way == "in" else seen.outgoing) in names else NONE
            case ["state", states]:
                found = ALL if seen.state in states else NONE
            case ["in", field, ranges]:
                found = self._headers.among(field, ranges)
            case _:
                raise Refused(f"match {matches} is not known here")
        return found, found
