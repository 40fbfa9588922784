"""The exact engine: rational weights, inputs and drop probabilities; integers inside, fractions out."""
