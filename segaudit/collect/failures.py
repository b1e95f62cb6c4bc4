"""Why a session failed, in one line a network engineer can act on.

Netmiko reports a refused connection, a changed host key and a failed name lookup as one and the
same timeout; the true cause is the exception's context.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator


class SessionFailed(Exception):
    """One attempt at one device failed; ``transient`` is true where another attempt may succeed."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        self.reason = reason
        self.transient = transient
        super().__init__(reason)


_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
_HUNG_UP = (EOFError, ConnectionResetError, BrokenPipeError)


def classified(failure: BaseException, at: str, username: str) -> SessionFailed:
    """The failure as a reason; ``at`` is ``host:port``. Secrets are never part of it."""
    causes = list(_chain(failure))
    for cause in causes:
        if isinstance(cause, SessionFailed):
            return cause
    for judge in (_ssh_cause, _socket_cause):
        for cause in reversed(causes):
            found = judge(cause, at, username)
            if found is not None:
                return found
    deepest = causes[-1]
    lines = str(deepest).strip().splitlines()
    return SessionFailed(f"{type(deepest).__name__}: {lines[0] if lines else 'no reason given'}")


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """``failure`` and what it was raised from or during, outermost first."""
    seen: set[int] = set()
    while failure is not None and id(failure) not in seen:
        seen.add(id(failure))
        yield failure
        failure = failure.__cause__ or failure.__context__


def _ssh_cause(cause: BaseException, at: str, username: str) -> SessionFailed | None:
    import paramiko  # type: ignore[import-untyped]  # comes with netmiko, has no stubs

    from segaudit.collect.host_keys import fingerprint

    if isinstance(cause, paramiko.BadHostKeyException):
        known, shown = fingerprint(cause.expected_key.asbytes()), fingerprint(cause.key.asbytes())
        return SessionFailed(f"the host key of {at} changed: known is {known}, shown was {shown}")
    if isinstance(cause, paramiko.PasswordRequiredException):
        return SessionFailed("the private key is encrypted: give its passphrase as a second credential")
    if isinstance(cause, paramiko.AuthenticationException):
        if "timeout" in str(cause):
            return SessionFailed(f"no answer from {at} to the login in time", transient=True)
        if "transport shut down" in str(cause):
            return SessionFailed(f"{at} closed the connection during the login", transient=True)
        return SessionFailed(f"authentication of {username!r} at {at} failed")
    if isinstance(cause, paramiko.SSHException) and not isinstance(cause.__context__, OSError):
        return _by_text(str(cause), at, username)
    return None


def _by_text(text: str, at: str, username: str) -> SessionFailed | None:
    """Paramiko tells these apart by their text only."""
    if "No authentication methods available" in text:
        return SessionFailed(f"authentication of {username!r} at {at} failed: no credential given")
    if "Error reading SSH protocol banner" in text or "Invalid SSH banner" in text:
        return SessionFailed(
            f"{at} does not answer as an SSH server, or has no session free", transient=True
        )
    if "No existing session" in text:  # start_client gave up waiting for the key exchange
        return SessionFailed(f"no SSH key exchange with {at} in time", transient=True)
    if "Incompatible" in text:
        return SessionFailed(f"no common algorithm with {at}: {text.strip().splitlines()[0]}")
    return None


def _socket_cause(cause: BaseException, at: str, username: str) -> SessionFailed | None:
    del username
    if isinstance(cause, socket.gaierror):
        return SessionFailed(
            f"the name of {at} is not known: {cause.strerror}", transient=cause.errno == socket.EAI_AGAIN
        )
    if isinstance(cause, ConnectionRefusedError):
        return SessionFailed(f"connection refused at {at}", transient=True)
    if isinstance(cause, TimeoutError):
        return SessionFailed(f"no answer from {at} in time", transient=True)
    if isinstance(cause, _HUNG_UP):
        return SessionFailed(f"{at} closed the connection", transient=True)
    if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        return SessionFailed(f"no route to {at}", transient=True)
    return None
