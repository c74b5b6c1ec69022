"""The command ``export``: histories, recommendations, events, catalogue and generations as files that anything reads.

``users`` lists whom an export is about, ``rows`` answers for a page of them at a time, ``sources`` reads the rest from
stores and lake, and ``files`` writes the rows, batch by batch, into a file that appears whole or not at all.
"""
