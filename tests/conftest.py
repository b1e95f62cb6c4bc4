"""What every test can rely on, however the suite was started."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts background commands with SIGINT ignored, and what is ignored is
    # inherited through exec (POSIX XCU 2.11): commands under test would not see the Ctrl-C they are sent.
    signal.signal(signal.SIGINT, signal.default_int_handler)
