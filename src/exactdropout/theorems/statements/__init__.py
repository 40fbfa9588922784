"""What a theorem says and each step of its proof as objects, from which both the text and the check are made."""
