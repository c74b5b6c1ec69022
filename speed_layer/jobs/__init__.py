"""Spark jobs of the speed layer, for ``spark-submit`` and for the command."""
