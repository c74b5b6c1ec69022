"""What the tasks of a micro-batch do: ``fold_step`` parses and folds, ``write_step`` adds up per row and writes.

``micro_batch`` is all that they are handed, ``rows`` the one way in which they change the speed views. Nothing here
reads the log or decides what counts.
"""
