"""A world of both layers over one log in memory, killed at any write, and the judge of what its readers see."""
