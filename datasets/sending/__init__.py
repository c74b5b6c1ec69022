"""Sends a file to the log line by line: looks at its form, judges its first lines, and counts what was acknowledged.

``cli`` reads the file by ``first_lines`` (or ``json_values``) and sends what ``datasets.producing`` keys.
"""
