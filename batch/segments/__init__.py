"""Runs of segments that the cluster computes: the site adds a job, a program here writes the customers that its rule selects."""
