"""The command ``evaluate``: events of the lake or of a file, judged by one of three protocols, shown as tables.

``events`` reads, ``command`` asks ``batch_layer.learning`` for splits and ``walk`` for a walk, ``tables`` shows.
"""
