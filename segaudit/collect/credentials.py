"""Credentials by reference: the inventory says where a secret is, never what it is.

``env:NAME`` an environment variable · ``ask`` typed at the terminal · ``keyring:SERVICE`` the
system's keyring · ``cmd:PROGRAM ARGS`` the first line a program prints · ``file-key:PATH`` a
private key file · ``agent`` the SSH agent. A secret is looked up when a session needs it and lives
in a :class:`Secret`, which does not print.
"""

from __future__ import annotations

import getpass
import importlib
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from threading import Lock

COMMAND_SECONDS = 60.0


class CredentialKind(Enum):
    """Where a secret is kept; the value is the reference's first word."""

    ENVIRONMENT = "env"
    ASK = "ask"
    KEYRING = "keyring"
    COMMAND = "cmd"
    KEY_FILE = "file-key"
    AGENT = "agent"


FORMS = "env:NAME, ask, keyring:SERVICE, cmd:PROGRAM ARGS, file-key:PATH or agent"
_ALONE = {CredentialKind.ASK, CredentialKind.AGENT}


@dataclass(frozen=True, slots=True, order=True)
class CredentialReference:
    """One reference, taken apart; ``argument`` is empty for ``ask`` and ``agent``."""

    kind: CredentialKind
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.argument}" if self.argument else self.kind.value


def parse_reference(text: str) -> CredentialReference:
    """The reference that ``text`` spells.

    Raises:
        ValueError: ``text`` is none of the forms. The message never holds ``text``: it may be a secret.
    """
    word, colon, argument = text.partition(":")
    kinds = {kind.value: kind for kind in CredentialKind}
    kind = kinds.get(word)
    if kind is None:
        raise ValueError("not a credential reference")
    if kind in _ALONE and not colon:
        return CredentialReference(kind)
    if kind in _ALONE or not argument.strip():
        raise ValueError(f"{word!r} takes {'nothing' if kind in _ALONE else 'an argument'} after it")
    return CredentialReference(kind, argument.strip())


class Secret:
    """A secret that shows itself to nobody who does not ask by ``reveal``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(********)"

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")


class CredentialMissing(Exception):
    """A reference leads to nothing; the text names the reference, never a secret."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to authenticate one session: what netmiko needs, and nothing it could print."""

    username: str
    password: Secret | None = None
    key_file: Path | None = None
    agent: bool = False
    enable: Secret | None = None
    """What a CLI asks for before it shows everything; ``None``: the password."""


@dataclass(slots=True)
class Keychain:
    """Looks references up, each at most once per run; safe to share between threads."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    ask: Callable[[str], str] = getpass.getpass
    _known: dict[str, Secret] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def login(
        self,
        username: str,
        references: tuple[CredentialReference, ...],
        enable: tuple[CredentialReference, ...] = (),
    ) -> Login:
        """The login that ``references`` give together (a key, a password, the agent).

        ``enable`` leads to the secret of the privileged mode, where that is another one.

        Raises:
            CredentialMissing: one of them leads to nothing.
        """
        login = Login(username)
        for reference in references:
            if reference.kind is CredentialKind.AGENT:
                login = replace(login, agent=True)
            elif reference.kind is CredentialKind.KEY_FILE:
                login = replace(login, key_file=_key_file(reference))
            else:
                login = replace(login, password=self._secret(username, reference))
        secrets = [self._secret(username, reference) for reference in enable]
        return replace(login, enable=secrets[-1]) if secrets else login

    def _secret(self, username: str, reference: CredentialReference) -> Secret:
        name = f"{reference} {username}"
        with self._lock:
            if name not in self._known:
                self._known[name] = Secret(self._looked_up(username, reference))
            return self._known[name]

    def _looked_up(self, username: str, reference: CredentialReference) -> str:
        if reference.kind is CredentialKind.ENVIRONMENT:
            secret = self.environment.get(reference.argument, "")
        elif reference.kind is CredentialKind.ASK:
            secret = self.ask(f"Password of {username}: ")
        elif reference.kind is CredentialKind.KEYRING:
            secret = _from_keyring(username, reference)
        else:
            secret = _from_command(reference)
        if not secret:
            raise CredentialMissing(f"{reference} gives no secret")
        return secret


def _key_file(reference: CredentialReference) -> Path:
    path = Path(reference.argument).expanduser()
    if not path.is_file():
        raise CredentialMissing(f"{reference}: no such key file")
    return path


def _from_keyring(username: str, reference: CredentialReference) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as failure:
        raise CredentialMissing(f"{reference}: the Python package 'keyring' is not installed") from failure
    secret = keyring.get_password(reference.argument, username)
    return secret if isinstance(secret, str) else ""


def _from_command(reference: CredentialReference) -> str:
    """The first line that the program prints; what it says on stderr goes to the terminal."""
    try:
        done = subprocess.run(
            shlex.split(reference.argument),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as failure:
        raise CredentialMissing(f"cmd: {type(failure).__name__} from the program") from failure
    return done.stdout.decode(errors="strict").split("\n", 1)[0].rstrip("\r")
