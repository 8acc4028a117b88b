"""Recommendations on the site, and the API that shops call."""
