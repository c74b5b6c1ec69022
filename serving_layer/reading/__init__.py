"""Both stores as one consistent snapshot: which part of the speed view counts, patience with stores, the follower.

``answering`` repeats a reading until all that it read is one ``snapshot``; ``follower`` keeps a process's memory up to
date. What the rows of a snapshot mean to an answer is ``serving_layer.merged``'s.
"""
