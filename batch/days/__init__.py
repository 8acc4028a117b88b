"""What happened on each day: pure transforms of the events into a day's customers, interactions and numbers."""
