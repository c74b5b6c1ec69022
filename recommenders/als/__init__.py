"""ALS factors for implicit feedback (Hu, Koren, Volinsky 2008), the user folded in from the merged history.

``fitting`` learns in one process, ``spark`` on a cluster; ``scorer`` answers; ``model`` is the recommender.
"""

from recommenders.als.model import RECOMMENDER, AlsSettings

__all__ = ["RECOMMENDER", "AlsSettings"]
