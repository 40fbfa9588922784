"""Polynomials with relu atoms over exact rationals, and their translation from and to SymPy."""
