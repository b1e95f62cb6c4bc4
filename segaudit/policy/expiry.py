"""What in a policy no longer holds on a day."""

from __future__ import annotations

from datetime import date

from segaudit.errors import Problem
from segaudit.model.policy import AllowedFlow, Exemption, OwnedAssumption, Policy
from segaudit.policy.reading import in_file_order


def expired(policy: Policy, as_of: date) -> tuple[Problem, ...]:
    """Every exception, flow and assumption that ended before ``as_of``, in file order.

    The day of expiry itself (UTC) still counts. A run judges these; ``segaudit validate`` refuses
    them.
    """
    problems = [
        *(_problem("expired exception", item, as_of) for item in policy.exceptions),
        *(_problem("expired flow", item, as_of) for item in policy.flows),
        *(_problem("expired assumption", item, as_of) for item in policy.assumptions),
    ]
    return tuple(in_file_order(problem for problem in problems if problem))


def _problem(what: str, item: AllowedFlow | Exemption | OwnedAssumption, as_of: date) -> Problem | None:
    if item.expires is None or as_of <= item.expires:
        return None
    days = (as_of - item.expires).days
    ago = "1 day" if days == 1 else f"{days} days"
    return Problem(
        item.expires_where or policy_line(item),
        what,
        f"{item.id} ended {item.expires.isoformat()}",
        f"{ago} before {as_of.isoformat()}: {item.owner} must renew or remove it",
    )


def policy_line(item: AllowedFlow | Exemption | OwnedAssumption) -> str:
    """``file:line`` of an element of the policy."""
    return str(item.span) if item.span else ""
