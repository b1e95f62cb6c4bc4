"""One folder per network OS; the registry finds them, nobody imports one by name.

A folder exposes ``VENDOR``. Inside: ``records`` (the OS's own nouns), ``extract`` (text ->
records), ``convert`` (records -> model), ``NOTES.md`` (defaults of absent lines, ordering, with
sources), ``samples/`` with golden JSON beside each. A vendor never imports another vendor; what two
share stands in ``segaudit.parse``, or beside the folders where it needs ``segaudit.routing``.
"""
