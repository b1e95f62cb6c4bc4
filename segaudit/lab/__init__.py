"""A containerlab topology file becomes a running lab: network namespaces, or the containerlab binary."""
