"""Kafka as the log: topics, clients, appending, bounded reading, dead letters, and marks of forgotten users."""
