"""The command ``generate``: a world with a planted truth, and events of the people in it."""
