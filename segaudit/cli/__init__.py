"""The command line: arguments in, exit code out.

0 every assertion holds · 1 violation · 2 usage or policy error · 3 not determined · 4 the run broke ·
5 verification failed. Data goes to stdout, progress and messages to stderr. Whatever is heavy is
imported by the command that needs it, so that ``--help`` answers at once.
"""

from segaudit.cli.root import main

__all__ = ["main"]
