"""Exact numbers and shapes that several rooms share: real algebraic numbers, rational functions, polyhedral cones."""
