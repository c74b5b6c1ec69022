"""The command ``reproduce``: an answer that was once given, computed again and compared field by field.

``questions`` finds what was asked from the answer itself, ``recomputing`` folds the log's prefix that it names by the
slow twin that ``verify`` uses and asks again of these views and the kept generation's models, ``comparing`` lists what
differs, and ``command`` prints it.
"""
