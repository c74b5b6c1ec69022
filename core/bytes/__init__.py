"""Columns of bytes in the form that compiled code takes. Nothing here knows a format."""
