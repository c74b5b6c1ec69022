"""Spark jobs of the batch layer, for ``spark-submit`` and for the command."""
