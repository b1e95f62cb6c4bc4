"""Devices -> forwarding tables, from the state that was collected.

Simulation of routing protocols, where no state was collected, comes in its own issue; until then a
device without routes has an empty table and says so.
"""

from segaudit.routing.fib import Fib, Lookup, forwarding_tables, own_ranges

__all__ = ["Fib", "Lookup", "forwarding_tables", "own_ranges"]
