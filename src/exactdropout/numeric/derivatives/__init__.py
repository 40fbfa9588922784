"""Gradient and Hessian-vector products in float64, with bounds: from one walk over the masks, or from tables."""
