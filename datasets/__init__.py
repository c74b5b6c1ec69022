"""Where events come from: files of many formats, topics of others, lines of JSON, a generator with a planted truth.

``files`` reads bytes as rows, ``fields`` reads cells as values, ``mapping`` turns a record of any shape into events,
and ``formats`` has a mapping per data set. ``importing`` orders the events of files and writes or sends them;
``relaying`` appends those of topics, which ``decoding`` reads. ``sending`` is the command ``produce``, ``synthetic``
the command ``generate``.
"""
