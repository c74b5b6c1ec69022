"""Experiments: which users are served otherwise, by a stable hash, and what their events say about it.

``assignment`` reads the tables of the settings and finds a user's experiment; ``comparison`` compares how often what
was shown was taken. Pure: nothing here knows a store or a clock.
"""
