"""What a claim is about: architecture, data, sizes, assumptions; evaluated exactly."""
