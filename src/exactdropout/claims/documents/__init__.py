"""Whole derivations: the formulas of a paper, split into steps, each judged for itself."""
