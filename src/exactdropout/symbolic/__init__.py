"""Derivations in SymPy: the criterion and everything derived from it, built in polynomial rings."""
