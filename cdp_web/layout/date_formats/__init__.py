"""Days and moments in Django's own pages, as layout/formats.py writes them."""
