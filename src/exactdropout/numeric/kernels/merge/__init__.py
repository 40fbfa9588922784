"""Kernels that merge equal states of a layer."""
