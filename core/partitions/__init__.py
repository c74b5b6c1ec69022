"""The log's partitions: which one a key belongs to, prefixes of them, parcels of rows per partition, topics' settings.

A module belongs here when it reasons about partitions or topics without reading a record.
"""
