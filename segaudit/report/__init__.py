"""A ``RunResult`` as a page, as JSON and on the terminal; it judges nothing and adds nothing.

Every output starts from ``redact.redacted``: behind it no text of a device holds a secret.
"""
