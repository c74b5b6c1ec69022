"""The small documents in the view stores: control record, position, leases, and the catalogue book."""
