"""The broker embedded in a home: found, started, kept while commands use it, stopped. ``opening`` opens any log."""
