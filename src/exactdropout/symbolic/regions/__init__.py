"""Activation regions, and what holds on each: polynomials, stationary points, signs."""
