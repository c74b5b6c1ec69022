"""The one command that joins all parts; nothing imports it."""
