"""Prices of batches: the list that is shipped, a user's own, and which of them a model has."""
