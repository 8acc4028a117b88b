"""The page of one product: what it is, how it sells, who buys it, and what goes with it."""
