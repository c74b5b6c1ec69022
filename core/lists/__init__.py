"""Personal lists: what a user's own lists of items are and how they change, as pure functions; serving stores them."""
