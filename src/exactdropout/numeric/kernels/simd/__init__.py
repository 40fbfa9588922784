"""Vector primitives that the other kernels are written in."""
