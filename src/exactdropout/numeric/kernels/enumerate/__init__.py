"""Kernels over tables of subset sums: all masks of one layer."""
