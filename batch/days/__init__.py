"""Pure transforms of a day's events into its customer rows, interactions and numbers."""
