"""Sampled masks with proved ranges: kernel, passes, and confidence sequences. docs/estimates.md derives them."""
