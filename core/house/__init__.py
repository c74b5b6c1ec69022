"""House rules: what a shop wants of its lists beside what the models say, read from tables and checked."""
