"""What the views must say by the slow twin: shared by ``verify`` and by the sample check of the gate."""
