"""The read-only commands of a PAN-OS firewall and the files their output is stored under."""

from __future__ import annotations

from segaudit.model.snapshot import Platform, ShowCommand

CONFIG = "running-config.txt"
PUSHED_POLICY = "pushed-shared-policy.txt"
ROUTES = "route.txt"

PLATFORM = Platform(
    name="paloalto_panos",
    netmiko_device_type="paloalto_panos",
    commands=(
        # `merged` is what the firewall runs: its own configuration with Panorama's templates.
        ShowCommand(CONFIG, "show config merged"),
        # Without a push, or without Panorama, the command fails or prints nothing.
        ShowCommand(PUSHED_POLICY, "show config pushed-shared-policy", optional=True),
        ShowCommand(ROUTES, "show routing route", optional=True),
    ),
)
