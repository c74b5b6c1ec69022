"""The HTTP server: what a request may be, whatever its route, and how errors and the API are described.

A request passes ``protocol`` (connections and headers), ``guard`` (who may ask), ``methods`` (which route, which
parameters) and ``bodies`` (how much and how long), and reaches a route of ``serving_layer.routes`` or the page; what
goes wrong becomes a document of ``problems``. ``app`` puts them together, ``server`` runs them. Only this room and
the routes know FastAPI, and only this one knows uvicorn.
"""
