"""The small documents in the view stores: control record, position, leases, schedule, and the catalogue book."""
