"""The policy file: what ought to hold, read with the position of every word.

``read_policy`` checks the file against itself, ``locate`` against a network, ``expired`` against a
day. Nothing here decides whether an assertion holds.
"""

from segaudit.policy.expiry import expired
from segaudit.policy.locate import Uncollected, ZoneMap, locate
from segaudit.policy.read import parse_policy, read_policy
from segaudit.policy.schema import policy_schema, policy_schema_text

__all__ = [
    "Uncollected",
    "ZoneMap",
    "expired",
    "locate",
    "parse_policy",
    "policy_schema",
    "policy_schema_text",
    "read_policy",
]
