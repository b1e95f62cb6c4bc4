"""The independent checker of the proof that ``segaudit check --proof`` writes; shares no code with it.

A proof claims for every place of the network all packets that can be there. It holds if that is an
inductive invariant: the packets of the source zone are in it; whatever a device, the internet or what is
not modelled may do with packets in it leads to packets in it; and none of them is in the destination
zone, beyond what the policy permits. Then no packet can get across, whatever its way and however many
steps it takes. This folder checks those three, and only those: it has its own sets of packets
(``sets``), its own reading of rules first match first (``rules``), of routes longest prefix first,
translations and connections (``device``), and its own account of who receives what (``check``). It
imports nothing but Python's standard library.

Trusted, and to be reviewed elsewhere: the parsers; which wires there are, and what is not modelled; where
the zones are and what the policy permits; and the plain words in which the file says all this
(``segaudit/judge/plain_network.py``), down to which bits a match asks for, in which order a device's
steps come, and which packets can open a connection or be an error about one.

Not trusted: every set of packets that the prover computed, its fixpoint, its filters and routes as sets,
its connection tracking, its verdicts. Where this checker is not sure it takes more packets: a match that
is not modelled may match and never must. Connections are those that anyone at all may open at a device,
worked out here from its rules; packets of a connection, its answers and ICMP errors about it may be
forged by anyone. A noun, field, match, action or step that is not known here is refused, and then nothing
is verified. The hash in the first line tells a damaged file; it is no signature.
"""
