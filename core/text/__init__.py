"""Text of others, made safe to show: control characters escaped, secrets masked."""
