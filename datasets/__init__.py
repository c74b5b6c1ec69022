"""Where events come from: files of many formats, lines of JSON, and a generator with a planted truth.

``files`` reads bytes as rows, ``fields`` reads cells as values, ``mapping`` turns a record of any shape into events,
``formats`` has a mapping per data set, and ``importing`` orders the events and writes or sends them. ``sending`` is the
command ``produce``, ``synthetic`` the command ``generate``.
"""
