"""The broker embedded in a home: finds, starts, keeps and stops it. ``opening`` opens any log."""
