"""Exact dropout criteria and penalties of ReLU networks: derived, evaluated over all masks, and certified."""

__version__ = "0.1.0"
