"""A proof file as data; what is not exactly as known here is refused."""

import json
from collections import namedtuple
from hashlib import sha256
from typing import Any

FORMAT = "segaudit-proof/1"
FIELDS = {
    "Network": "assumptions beyond devices family invariants pairs rewrites wires zones",
    "Device": "chains errors garbles hooks interfaces lookups opens reassembles sees states tables",
    "Interface": "addresses bound inside proxy unpacks",
    "Zone": "addresses arrives beyond makers starts",
    "Pair": "answered assertion destination opened source",
    "Invariant": "at connections nodes senders",
}
"""One field more or less could mean something that is not known here."""
NOUNS = {noun: namedtuple(noun, fields) for noun, fields in FIELDS.items()}


class Refused(Exception):
    """The proof holds something that is not understood here, so that nothing of it is verified."""


def read_proof(data: bytes) -> list[Any]:
    """The networks of a proof file, with what is claimed of each, if it is as it was written.

    Raises:
        Refused: the file was changed, or holds a noun or a field that is not known here.
    """
    header, _, body = data.partition(b"\n")
    try:
        if json.loads(header) != {"format": FORMAT, "sha256": sha256(body).hexdigest()}:
            raise Refused(f"not a proof as it was written: no {FORMAT}, or its hash differs")
        return [json.loads(line, object_hook=_noun) for line in body.splitlines()]
    except (ValueError, TypeError, KeyError, RecursionError) as failure:
        raise Refused(f"not a proof that is understood: {failure}") from failure


def _noun(found: dict[str, Any]) -> Any:
    return NOUNS[found.pop("is")](**found) if "is" in found else found
