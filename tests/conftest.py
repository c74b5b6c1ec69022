"""Fixtures that every test may ask for; a server starts when the first test asks for it."""

from tests.servers import cassandra_port, cassandra_url, redis_url

__all__ = ["cassandra_port", "cassandra_url", "redis_url"]
