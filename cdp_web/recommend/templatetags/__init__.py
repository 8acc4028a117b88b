"""Template tags of the recommendations."""
