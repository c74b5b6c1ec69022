"""The command ``relay``: topics of any shape and key become events, keyed by their users.

A record is decoded, its envelope taken off and its events made by the mapping engine (``transform``). They are appended
in the source's order; offsets are committed only after the broker has acknowledged all events of the records below
them (``relay``). What cannot be read goes to the topic ``relay-dlt`` with its bytes and the reason.
"""
