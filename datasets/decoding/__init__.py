"""Bytes of a record as values: JSON, CSV, Avro and Protobuf, with and without Confluent's framing.

A decoder takes bytes and returns what a mapping reads; it raises ``Dropped`` with the reason for what it cannot read.
"""
