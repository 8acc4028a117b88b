"""What the site serves from: the publication, its snapshot of the customers, the nights that made it, and the site's health."""
