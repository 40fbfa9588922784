"""Exact strategies, one registry: merged states, meet in the middle, moments."""
