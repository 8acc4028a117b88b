"""The customers as of a day: which ones are recomputed, their metrics, scores, cohorts and profiles."""
