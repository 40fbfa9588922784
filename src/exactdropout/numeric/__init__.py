"""Exact evaluation of given numbers: rationals, float64 with a proved error bound, and intervals of any precision.

SymPy is not known here.
"""
