"""What networks with non-negative weights reach: Lemmas 12 to 16 and beyond."""
