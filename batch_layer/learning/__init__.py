"""What the recommenders learn from, how well they rank, and the search for better settings.

``past`` opens the lake as interactions; ``evaluation`` trains throw-away models on the older part of them and judges
those on the newer part.
"""
