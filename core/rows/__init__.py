"""The byte formats of view rows, and how two values of one key become one."""
