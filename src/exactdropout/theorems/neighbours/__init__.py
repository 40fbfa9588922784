"""Results of other papers on dropout, stated in our words and proved."""
