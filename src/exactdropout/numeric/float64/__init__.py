"""Evaluation in float64 with proved bounds: validate, prepare, plan, compute in chunks."""
