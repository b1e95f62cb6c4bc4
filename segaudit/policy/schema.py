"""The JSON Schema of the policy file, built from the constants that the reader uses.

Editors read YAML with types and segaudit reads it without, so a number or truth value is allowed
in both spellings. The schema knows shapes; what the parts owe each other (names, directions, dates
that exist) only the reader checks.
"""

from __future__ import annotations

import json
from typing import Any

from segaudit.model.policy import INTERNET, UNASSIGNED
from segaudit.policy import assertions, grammar, read, zones

Schema = dict[str, Any]

SCHEMA_ID = "urn:segaudit:policy-v1"
SCHEMA_FILE = "policy-v1.schema.json"
"""Published beside this module; ``policy_schema_text`` is its content."""


def policy_schema() -> Schema:
    """JSON Schema (draft 2020-12) that every readable policy satisfies."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "segaudit policy",
        **_object(
            read.TOP_KEYS,
            {
                "version": {"enum": [int(read.VERSION), read.VERSION]},
                "services": {
                    "type": "object",
                    "propertyNames": _text_of(grammar.NAME),
                    "additionalProperties": _list(_text_of(grammar.SERVICE), least=1),
                },
                "zones": {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"allOf": [_text_of(grammar.NAME), {"not": {"const": UNASSIGNED}}]},
                    "properties": {INTERNET: _zone(built_in=True)},
                    "additionalProperties": _zone(built_in=False),
                },
                "isolation": _list(_isolation()),
                "flows": _list(_flow()),
                "exceptions": _list(_exception()),
                "assumptions": _list(_assumption()),
            },
            required=("version", "name", "zones"),
        ),
    }


def policy_schema_text() -> str:
    """The schema as published: sorted keys, two spaces, a newline at the end."""
    return json.dumps(policy_schema(), indent=2, sort_keys=True) + "\n"


def _object(keys: tuple[str, ...], special: Schema, required: tuple[str, ...] = ()) -> Schema:
    """An object of exactly ``keys``; those without a ``special`` schema are non-empty text."""
    properties = {key: special.get(key, _text()) for key in keys}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def _list(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


def _distinct(items: Schema, least: int = 0) -> Schema:
    return {**_list(items, least), "uniqueItems": True}


def _text() -> Schema:
    return {"type": "string", "pattern": r"\S"}


def _text_of(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$"}


def _word(words: tuple[str, ...]) -> Schema:
    return {"enum": list(words)}


def _location() -> Schema:
    vlan = {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": grammar.MAX_VLAN},
            _text_of("[0-9]{1,4}"),
        ]
    }
    return {**_object(zones.LOCATION_KEYS, {"vlan": vlan}), "minProperties": 1}


def _zone(built_in: bool) -> Schema:
    special = {
        "side": _text_of(grammar.NAME),
        "members": _list(_location(), least=1),
        "exclude": _list(_location()),
    }
    keys = tuple(key for key in zones.ZONE_KEYS if not (built_in and key == "side"))
    return _object(keys, special, ("members",) if built_in else ("owner", "members"))


def _isolation() -> Schema:
    special = {
        "id": _text_of(grammar.NAME),
        "direction": _word(grammar.DIRECTIONS),
        "families": _distinct(_word(grammar.FAMILIES), least=1),
        "severity": _word(grammar.SEVERITIES),
        "evidence": _evidence(),
        "controls": _distinct(_text()),
    }
    return _object(assertions.ISOLATION_KEYS, special, ("id", "between", "and"))


def _evidence() -> Schema:
    special = {
        "model": _word(grammar.EVIDENCE_MODELS),
        "probes": _word(grammar.EVIDENCE_PROBES),
        "max_age": _text_of(grammar.DURATION),
    }
    return _object(assertions.EVIDENCE_KEYS, special)


def _conduit() -> Schema:
    service = f"{grammar.SERVICE}|{grammar.NAME}"
    return {
        "id": _text_of(grammar.NAME),
        "services": _distinct(_text_of(service), least=1),
        "expires": _text_of(grammar.DATE),
    }


_CONDUIT_REQUIRED = ("id", "from", "to", "services", "owner", "justification", "expires")


def _flow() -> Schema:
    special = {
        **_conduit(),
        "expires": _text_of(f"{grammar.DATE}|{grammar.NEVER}"),
        "must_work": {"enum": [True, False, *grammar.TRUTHS]},
        "through": _distinct(_text()),
    }
    return _object(assertions.FLOW_KEYS, special, _CONDUIT_REQUIRED)


def _exception() -> Schema:
    return _object(assertions.EXCEPTION_KEYS, _conduit(), (*_CONDUIT_REQUIRED, "assertion"))


def _assumption() -> Schema:
    special = {
        "id": _text_of(grammar.NAME),
        "about": _location(),
        "claim": _word(grammar.CLAIMS),
        "expires": _text_of(f"{grammar.DATE}|{grammar.NEVER}"),
    }
    return _object(assertions.ASSUMPTION_KEYS, special, ("id", "about", "claim", "owner", "justification"))
