"""What a snapshot holds in the form that answers use: catalogue, windows of counts, sums, the generation's models.

A module here takes a ``Snapshot`` and computes over its merged rows; it knows no question of a client.
"""
