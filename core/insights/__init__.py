"""What merchandisers ask, answered from counters of activity: pure functions, a module per insight and one table.

``counters`` holds what was counted over a range of hours, ``statistics`` the intervals by which an insight judges
whether the data can tell; ``table`` names the insights, what each reads and which filters it takes.
"""
