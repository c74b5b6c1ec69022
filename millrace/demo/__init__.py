"""The command ``demo``: the whole pipeline on one machine. ``events`` makes its events, ``command`` shows each step."""
