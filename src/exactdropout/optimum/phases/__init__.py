"""Minima as functions of the drop rate: cells of q with certified minimisers."""
