"""The command ``millrace``, which joins all parts; no other room imports it."""
