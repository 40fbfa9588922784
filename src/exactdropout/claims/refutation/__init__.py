"""Ways to refute a claim: an exact counterexample, and the nearest claim that holds."""
