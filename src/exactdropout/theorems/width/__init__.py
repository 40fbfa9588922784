"""What becomes of the criterion as layers grow wide."""
