"""YAML and JSON documents read with the line and column of every value.

The layer under every room that reads a file a human wrote (policy, inventory, topology) or a
device printed (``ip -j``): an error can name ``file:line:column``, a fact can cite its lines.
"""
