"""One exchange sent once more, whatever its kind."""

from __future__ import annotations

from oracle.box import Box
from oracle.box_model import BoxModel
from oracle.exchange import Exchange, Mismatch, compare_followed, compare_fresh
from oracle.own_packets import FROM_ITSELF, TO_ITSELF, compare_own


def replay(box: Box, model: BoxModel, exchange: Exchange) -> list[Mismatch]:
    """The mismatches of one exchange."""
    if exchange.follow_up in (TO_ITSELF, FROM_ITSELF):
        found, _ = compare_own(box, model, [exchange.probe], exchange.follow_up)
    elif exchange.follow_up:
        found, _ = compare_followed(box, model, [exchange])
    else:
        found, _, _ = compare_fresh(box, model, [exchange.probe])
    return found


def persists(box: Box, model: BoxModel, mismatch: Mismatch) -> bool:
    """True where the mismatch is there again with nothing before it: no older connection explains it."""
    box.forget_connections()
    return any(one.what == mismatch.what for one in replay(box, model, mismatch.exchange))
