"""Lemmas that several entries use."""
