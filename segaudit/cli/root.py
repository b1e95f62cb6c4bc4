"""The command group, and the one place where an exception becomes an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from segaudit import __version__
from segaudit.cli.audit import check, collect, probe, run
from segaudit.cli.import_command import import_
from segaudit.cli.labs import demo, lab
from segaudit.cli.recheck import recheck
from segaudit.cli.show import explain, graph, path, report, schema, validate
from segaudit.cli.vendors import vendors
from segaudit.errors import RunError, SegauditError

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

_EPILOG = """
\b
Start here:
  segaudit demo                                a network of our own, audited live (root, Linux)
  segaudit validate -p policy.yaml -s SNAP     is the policy well-formed, and does it fit the network?
  segaudit check -p policy.yaml -s SNAP        prove it on a folder of configs and state
  segaudit explain ISO-1 -p policy.yaml -s SNAP
                                               why, how strong, and which lines to change
  segaudit run -p policy.yaml -i inventory     collect, prove, probe, report

\b
Exit codes:
  0 every assertion holds    1 violation              2 usage or policy error
  3 not determined           4 the run broke          5 verification failed
"""


class _Root(click.Group):
    """Turns errors into their message and exit code; an interrupted run never looks like a verdict."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and exit."""
        try:
            sys.exit(super().main(*args, **{**extra, "standalone_mode": False}))
        except SegauditError as failure:
            click.echo(f"error: {failure}", err=True)
            sys.exit(failure.exit_code)
        except click.ClickException as failure:
            failure.show()
            sys.exit(failure.exit_code)
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        except Exception as failure:
            click.echo(f"error: {_broken(failure)}", err=True)
            sys.exit(RunError.exit_code)


def _broken(failure: Exception) -> SegauditError:
    """The run broke; a mistake of ours is printed whole. Python's own exit code 1 would say violation."""
    if isinstance(failure, OSError) and failure.filename is not None:
        return RunError.because(str(failure.filename), failure.strerror or type(failure).__name__)
    traceback.print_exception(failure)
    what = "a mistake in segaudit; nothing was decided"
    hint = "report it with the lines above"
    return RunError.because("segaudit", what, f"{type(failure).__name__}: {failure}", hint)


@click.group(
    cls=_Root,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="segaudit")
def main() -> None:
    """Prove that one network is cut off from another.

    segaudit reads switch, router and firewall configs and state, proves for all packets whether one
    side can reach the other, measures on the wire that the proof is true, and leaves evidence. What
    it does not know counts as connected.
    """


for command in (
    run, check, recheck, collect, import_, probe, report, validate, explain, path, graph, schema, vendors,
    lab, demo,
):  # fmt: skip
    main.add_command(command)
