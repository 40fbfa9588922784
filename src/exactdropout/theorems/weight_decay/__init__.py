"""Weight decay beside dropout: Theorem 7, Lemmas 22 to 33, Figure 2."""
