"""The criterion, penalty and their derivatives as formulas."""
