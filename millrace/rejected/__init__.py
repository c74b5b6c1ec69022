"""The command ``rejected``: lists, exports and replays dead letters."""
