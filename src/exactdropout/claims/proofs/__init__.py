"""Ways to prove a claim: each returns a proof within its scope, or nothing."""
