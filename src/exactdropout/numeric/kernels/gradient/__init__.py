"""Kernels of derivatives: adjoints of the walks and tables."""
