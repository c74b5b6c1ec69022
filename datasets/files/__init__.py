"""Files as rows: folders and archives, unpacking, encodings, records of cells, and a count of every line.

Knows nothing of events. ``output`` writes files of lines.
"""
