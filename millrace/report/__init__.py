"""The command ``report``: what Millrace knows as one HTML file for a mail.

``gathering`` reads the answers of one snapshot, ``sections`` and ``insight_sections`` turn them into HTML, and
``markup`` is the only module that escapes. Everything between reading and writing is pure.
"""
