"""What Millrace counts and times: the one table of metric families, and how the numbers of several processes join.

A family is declared once, here; the process that has something to count names it (``adapters.telemetry``).
"""
