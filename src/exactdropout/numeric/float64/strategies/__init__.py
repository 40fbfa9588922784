"""Ways to compute the moments of the outputs in float64; each is registered."""
