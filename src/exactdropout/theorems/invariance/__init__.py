"""Theorems 4 to 6: what rescaling changes and what it does not."""
