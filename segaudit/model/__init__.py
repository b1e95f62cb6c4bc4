"""The nouns: frozen dataclasses that every room shares, and nothing that acts.

Names are the field's standard terms: RFC 8519 (``Acl``, ``Ace``, ``Matches``), RFC 8343
(``Interface``), RFC 8349 (``Route``, ``NextHop``), RFC 8345 (``Link``, ``TerminationPoint``),
OpenConfig (``Switchport``), Batfish (``Flow``, ``Step``, ``Trace``, ``Disposition``).
Every fact carries the ``SourceSpan`` that it was read from.
"""
