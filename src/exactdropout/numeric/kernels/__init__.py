"""Compiled inner loops. Only the numeric engine imports this folder, and only when it runs: it loads Numba."""
