"""The event lake in Delta: its tables, its files as tasks read them, and its care."""
