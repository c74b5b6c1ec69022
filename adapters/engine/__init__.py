"""Spark: a session fit for Millrace, Kafka read through it, and errors that come back from its tasks."""
