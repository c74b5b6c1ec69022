"""What a page that stays open is sent: one frame of the installation's state, at most four times a second.

``samples`` keeps what was measured in the last minutes and computes rates from it, ``hub`` reads the state once for
all listeners of a process and hands each the newest frame. Nothing is read while nobody listens.
"""
