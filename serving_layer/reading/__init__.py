"""Both stores as one consistent snapshot: patience with stores, merged rows, and what is kept of a generation."""
