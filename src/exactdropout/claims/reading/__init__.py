"""From what an author wrote to a claim in the grammar of the engines, written out for an architecture."""
