"""Template tags of the period picker."""
