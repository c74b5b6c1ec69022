"""Strict JSON (RFC 8259): the one decoder, the outline of a text without decoding it, and both in compiled code.

Whatever reads JSON that others wrote uses this room. It knows no field: what a record means is ``core.events``'s.
"""
