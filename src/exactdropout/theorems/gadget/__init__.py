"""The first-one gadget and the bound that no network beats."""
