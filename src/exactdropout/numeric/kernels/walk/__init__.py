"""Kernels that walk the tree of masks, one layer after the other."""
