"""Layers under test, behind one interface: NumPy arrays in and out, whatever framework computes."""
