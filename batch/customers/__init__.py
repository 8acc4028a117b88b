"""The customers as of a day: who is counted anew, all metrics, scores, cohorts, and the profile of each."""
