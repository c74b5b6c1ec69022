"""The command ``produce``: it looks at the form of a file, judges its lines and sends them unchanged.

``cli`` reads the file by ``first_lines`` (or ``json_values``); ``lines`` finds each line's key and sends it.
"""
