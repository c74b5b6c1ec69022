"""The routes of the HTTP API: parameters, the judging of what is posted, the log, and each route's answer as JSON.

``lookups`` read, ``intake`` and ``changes`` write. What holds for every request, whatever its route, is
``serving_layer.http``'s.
"""
