"""What a record on the log means: whether it is an event or a catalogue record, by row and by column, and remedies.

``acceptance`` is the readable rule; ``parse`` gives the same answer for columns, with the compiled ``scan_kernel``.
"""
