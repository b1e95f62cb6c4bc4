"""Graph x HeaderSpace -> what can arrive where.

``device_path`` is what one device does with a set of packets, ``fixpoint`` what the whole network
does, ``walk`` the second opinion: one concrete packet, interpreted without any of their code.
"""
