"""A run from its boundary to its publication, its schedule, and what commands report of it.

What needs no engine goes in here. ``lifecycle`` changes the control record; ``listing``, ``summary`` and ``counted``
are pure and read what a run has measured.
"""
