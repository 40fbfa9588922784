"""The independent verifier: every proof is replayed from the claim alone, by rules on one page of the docs."""
