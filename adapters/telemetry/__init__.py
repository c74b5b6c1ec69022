"""Counts and times what a process does, and shows it to Prometheus.

``counting`` is what code calls where something happens; the numbers of a process are ``cells``. Processes that answer
on one port keep theirs in files of one ``folder``, so that whichever is asked shows all of them; ``exposition`` writes
the text, and ``endpoint`` serves it where a process has no HTTP server of its own.
"""
