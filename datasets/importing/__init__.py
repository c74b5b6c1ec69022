"""The command ``import``: the events of a format are put in order of time, cut to a share, and written or sent."""
