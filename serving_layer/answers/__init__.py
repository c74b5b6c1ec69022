"""What is answered from a snapshot: lookups, recommendations, explanations, status. Reads only through ``reading``."""
