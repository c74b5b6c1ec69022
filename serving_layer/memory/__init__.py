"""What a process keeps between answers: rows, norms, what belongs to one generation, and the moment that all are of.

Nothing here reads a store: ``serving_layer.reading`` fills it, and says when it is out of date.
"""
