"""Measurements beside peers, each in one run on one machine, so that their ratios mean something where times don't."""
