"""Export into a relational database: tables with keys and cascades that programs join.

``tables`` says what they are, ``contents`` computes their rows, ``target`` is the port that ``sqlite`` and ``postgres``
implement, and ``filling`` stages everything and merges it in one transaction.
"""
