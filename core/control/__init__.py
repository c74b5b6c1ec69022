"""What may become of the control record, boundaries and runs: pure changes, applied by compare-and-set elsewhere."""
