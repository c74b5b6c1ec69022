"""Pure changes of the control record, boundaries and runs. Adapters apply them by compare-and-set."""
