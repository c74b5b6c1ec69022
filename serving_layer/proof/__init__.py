"""The proof behind ``verify``: every merged row against an independent slow recompute."""
