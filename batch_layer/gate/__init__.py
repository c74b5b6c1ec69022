"""Whether a generation may serve: its sums against a slow recompute, its size and quality against the active one's.

``verdict`` decides, from what ``sample_check``, ``paired`` and ``drift`` find.
"""
