"""Columns of bytes as compiled code takes them. Knows no format."""
