"""Sets of packets: what a match means, as a set of headers. Knows headers, never devices.

``space`` is the set algebra (Header Space Analysis, Kazemian et al., NSDI 2012) over binary
decision diagrams, ``matches`` turns a ``model.acl.Matches`` into a pair of sets (may, must),
``filters`` turns a whole chain of rules into one. This room is the only door to the BDD library.
"""

from segaudit.packets.bounds import Bounds
from segaudit.packets.filters import ChainCompiler, Stretches, TranslationPiece
from segaudit.packets.matches import MatchCompiler
from segaudit.packets.space import HeaderField, HeaderSpace, Universe

__all__ = [
    "Bounds",
    "ChainCompiler",
    "HeaderField",
    "HeaderSpace",
    "MatchCompiler",
    "Stretches",
    "TranslationPiece",
    "Universe",
]
