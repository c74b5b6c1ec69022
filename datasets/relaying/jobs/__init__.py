"""The spark-submit target of the relay."""
