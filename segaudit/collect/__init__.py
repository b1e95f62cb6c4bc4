"""From an inventory to raw text: one result per device, and the only door to netmiko.

``inventory`` says which devices there are, ``credentials`` how to log in without a secret in any
file, ``host_keys`` whom to trust, ``transport`` how to get a socket, ``commands`` what may be run,
``session`` runs it on one device, ``run`` on all of them at once.
"""
