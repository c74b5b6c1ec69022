"""Columns of codes: the code of an item's name, and packed sums read into columns of codes and amounts.

Rows come in as ``core.rows`` packs them; what leaves names no item, and goes to ``core.ranking``.
"""
