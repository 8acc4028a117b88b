"""Recommendations: the API that serves them, and the pages that show what they are worth."""
