"""Recommendations: features of a day, models, their evaluation and the gate, and the files that serving reads."""
