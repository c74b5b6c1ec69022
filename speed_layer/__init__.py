"""The speed layer: folds new events into the same quantities as the batch layer, within about a second.

One micro-batch: ``driver`` decides its range and attempt, ``fold_step`` parses and folds beside the users' state,
``write_step`` adds up per row and writes, ``driver`` commits. ``jobs/stream.py`` is the Spark Structured Streaming job.
"""
