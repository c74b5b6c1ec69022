"""Makes text from outside safe to show: control characters are escaped and secrets are masked."""
