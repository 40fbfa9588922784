"""Kernels of meeting in the middle: sorted points of two halves, and their pairs."""
