"""How claims are written: tokens, parser, syntax tree and its printing, an author's own names."""
