"""What the views must hold according to the slow twin. ``verify`` and the gate's sample check share it."""
