"""The HTTP API: what a request may be, and the answer as JSON. The only room that knows FastAPI and uvicorn.

A request passes ``protocol`` (connections and headers), ``guard`` (who may ask), ``methods`` (which route, which
parameters), ``bodies`` (how much and how long) and reaches a route of ``lookups``, ``intake`` or ``pages``; what goes
wrong becomes a document of ``problems``. ``app`` puts them together, ``server`` runs them.
"""
