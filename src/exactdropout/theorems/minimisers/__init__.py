"""Definition 2: where minimisers exist, and where none does."""
