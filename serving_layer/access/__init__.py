"""Who may use the API: the keys as this process last read them, the role that a request needs, and each key's rate.

``admission`` decides about one request; the connections ask it for plain lookups, and the server for all others.
Nothing here knows a route or FastAPI.
"""
