"""The speed layer: folds new events into the same quantities as the batch layer, within about a second.

One micro-batch: ``driver`` decides its range and attempt, tasks run ``steps``, ``driver`` commits. ``engine`` is the
port of what reads the log and runs the steps: ``jobs/spark_engine.py``, ``jobs/local_engine.py``. ``jobs/stream.py`` is
the job.
"""
