from __future__ import annotations

import errno
import socket

import paramiko  # type: ignore[import-untyped]
import pytest
from netmiko import NetmikoAuthenticationException, NetmikoTimeoutException

from segaudit.collect.failures import SessionFailed, classified

AT = "[192.0.2.1]:2222"


def _wrapped(cause: BaseException) -> Exception:
    """As netmiko raises it: the cause is only the context of one exception for everything."""
    outer: Exception = NetmikoTimeoutException("TCP connection to device failed.")
    outer.__context__ = cause
    return outer


@pytest.mark.parametrize(
    ("cause", "reason", "transient"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), f"connection refused at {AT}", True),
        (TimeoutError("timed out"), f"no answer from {AT} in time", True),
        (ConnectionResetError(), f"{AT} closed the connection", True),
        (OSError(errno.EHOSTUNREACH, "x"), f"no route to {AT}", True),
        (socket.gaierror(socket.EAI_NONAME, "no"), f"the name of {AT} is not known: no", False),
        (socket.gaierror(socket.EAI_AGAIN, "later"), f"the name of {AT} is not known: later", True),
        (
            paramiko.SSHException("Error reading SSH protocol banner"),
            f"{AT} does not answer as an SSH server, or has no session free",
            True,
        ),
        (paramiko.SSHException("No existing session"), f"no SSH key exchange with {AT} in time", True),
        (
            paramiko.SSHException("No authentication methods available"),
            f"authentication of 'audit' at {AT} failed: no credential given",
            False,
        ),
        (
            paramiko.PasswordRequiredException("x"),
            "the private key is encrypted: give its passphrase as a second credential",
            False,
        ),
        (
            paramiko.ssh_exception.IncompatiblePeer("Incompatible ssh peer (no acceptable kex algorithm)"),
            f"no common algorithm with {AT}: Incompatible ssh peer (no acceptable kex algorithm)",
            False,
        ),
        (ValueError("first\nsecond"), "ValueError: first", False),
        (KeyError(), "KeyError: no reason given", False),
    ],
)
def test_the_cause_behind_netmiko_s_timeout(cause: BaseException, reason: str, transient: bool) -> None:
    found = classified(_wrapped(cause), AT, "audit")
    assert (found.reason, found.transient) == (reason, transient)


def test_authentication() -> None:
    outer = NetmikoAuthenticationException("Authentication to device failed.")
    outer.__context__ = paramiko.AuthenticationException("Authentication failed.")
    found = classified(outer, AT, "audit")
    assert (found.reason, found.transient) == (f"authentication of 'audit' at {AT} failed", False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Authentication timeout.", f"no answer from {AT} to the login in time"),
        (
            "Authentication failed: transport shut down or saw EOF",
            f"{AT} closed the connection during the login",
        ),
    ],
)
def test_a_login_that_was_not_answered_is_not_a_wrong_password(text: str, reason: str) -> None:
    outer = NetmikoAuthenticationException("Authentication to device failed.")
    outer.__context__ = paramiko.AuthenticationException(text)
    found = classified(outer, AT, "audit")
    assert (found.reason, found.transient) == (reason, True)


def test_our_own_reason_wins() -> None:
    own = SessionFailed("our reason", transient=True)
    assert classified(_wrapped(own), AT, "audit") is own


def test_a_circle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    assert classified(one, AT, "audit").reason == "ValueError: two"
