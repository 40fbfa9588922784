"""Gradients and Hessian products of the float64 engine, and their bounds."""
