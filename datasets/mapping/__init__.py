"""How a record of any shape becomes events: one engine for files and topics.

``document`` reads a mapping (TOML or JSON) strictly; ``paths`` and ``expressions`` compile it; ``envelopes`` takes off
what Debezium, Segment and Connect put around a record; ``engine`` turns one record into events, each complete or
dropped with a reason. Mappings by name are documents in ``datasets/formats``.
"""
