"""Measurements next to peers, in one run on one machine: the ratios are comparable even where times are not."""
