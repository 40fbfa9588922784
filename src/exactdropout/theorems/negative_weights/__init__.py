"""When every minimiser has negative weights: Theorems 8 and 17, widths and thresholds."""
