"""Measures on the wire what the model says: probe plan -> agents -> observations -> contradictions.

The agent (``agent.py``) is a separate process that runs at a vantage and holds no secret; only
``agent_craft.py`` knows scapy, and loads it with the first packet. The session starts the agents,
gives each a job that carries its scope, and decides what silence is worth.
"""
