"""What an interface pattern means: the same to the compiled sets, the interpreter and a plain reading."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from segaudit.model.acl import Direction, InterfaceIn
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.packets.matches import name_matches
from segaudit.reach.interpret import evaluate

FLOW = Flow(Family.IPV4, 6, 1, 2)
names = st.text("eth01.[-]", min_size=1, max_size=6)
patterns = st.builds(str.__add__, st.text("eth01.?[-]", max_size=6), st.sampled_from(["", "", "*"]))


def plainly(name: str, pattern: str) -> bool:
    """``?`` is one character, ``*`` at the end any rest, everything else itself."""
    words = ["." if one == "?" else re.escape(one) for one in pattern.removesuffix("*")]
    return (
        re.fullmatch("".join(words) + (".*" if pattern.endswith("*") else ""), name, re.DOTALL) is not None
    )


@given(names, patterns)
@example("eth0", "eth?")
@example("eth10", "eth?")
@example("eth[0]", "eth[?]")
@example("eth0.1", "e?h*")
def test_a_pattern_fits_the_same_names_everywhere(name: str, pattern: str) -> None:
    interpreted = evaluate(InterfaceIn(Direction.IN, (pattern,)), FLOW, name, None, ConnectionState.NEW)
    assert name_matches(name, pattern) is interpreted is plainly(name, pattern)
