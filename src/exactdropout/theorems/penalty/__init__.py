"""How the penalty behaves: Figure 1, Theorems 18 to 20, the introduction, growth in depth."""
