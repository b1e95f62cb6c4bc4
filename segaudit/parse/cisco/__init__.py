"""The words that Cisco IOS, NX-OS, ASA and Arista EOS have in common.

A vendor folder makes one ``Dialect`` value and reads its lines with

- ``words.Words``: a cursor over the words of a line (``words.read`` splits it);
- ``fates``: what became of a line (``FACT``, ``ignored(...)``, ``unsupported(...)``, ``unrecognized()``);
- ``dispatch.Table``: first words of a line -> what reads it, the longest prefix wins;
- ``names``: interface, protocol, port and ICMP names;
- ``addresses``, ``vlans``: single values;
- ``acl.read_ace`` / ``acl.read_standard_ace``: one rule to ``Matches``; ``groups`` for object groups;
- ``interfaces.InterfaceRecord`` and ``interfaces.COMMON``: the lines below ``interface X``;
- ``statics.read_static``: ``ip route``;
- ``conversion``: an ``InterfaceRecord`` to the neutral ``Interface``.

Switches that route (EOS, NX-OS) share more: ``sections`` reads nested lines by tables, ``lists`` whole
access lists, ``switches`` what both configure, ``switch_device`` makes interfaces and filters of it,
``route_tables`` holds what ``show ip route`` told.
"""
