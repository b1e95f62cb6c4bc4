"""What a device runs and depends on besides forwarding: management, routing protocols, shared fate."""

from __future__ import annotations

from dataclasses import dataclass, field

from segaudit.model.source import SourceSpan


@dataclass(frozen=True, slots=True, order=True)
class ManagementService:
    """A way to manage the device: ``ssh``, ``telnet``, ``http``, ``https``, ``snmp``, ``netconf``.

    ``acl`` names the filter that limits who may use it (empty: nobody is kept out), ``interface`` the
    only interface on which it is offered (empty: all).
    """

    protocol: str
    acl: str = ""
    vrf: str = ""
    interface: str = ""
    span: SourceSpan | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class RoutingProcess:
    """A routing protocol that is configured: ``bgp``, ``ospf``, ``ospf3``, ``isis``, ``eigrp``, ``rip``."""

    protocol: str
    vrf: str = ""
    process: str = ""
    span: SourceSpan | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class SharedFate:
    """Something that two networks may have in common although no packet crosses.

    ``kind`` is one of ``aaa-server``, ``ntp-server``, ``dns-server``, ``syslog-server``, ``snmp-manager``,
    ``snmp-community``, ``flow-collector``, ``user``, ``user-key``, ``vtp-domain``, ``domain-name``. A
    secret stands only as a fingerprint (``sha256:`` and 16 hex digits of the configured text), never as
    itself.
    """

    kind: str
    value: str
    span: SourceSpan | None = field(default=None, compare=False)
