"""What the engine's tasks do with columns: records become lake rows, and lake rows become the views of a run.

Rows flow from ``ingest`` into the lake, from the lake through ``fold_step``, and after a shuffle by row through
``write_step`` into the book that ``output`` names.
"""
