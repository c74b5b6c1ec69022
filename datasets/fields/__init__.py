"""Cells as values: numbers, times, ids. ``acceptance`` drops the rows that the event contract would reject."""
