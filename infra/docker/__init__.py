"""The one image that docker-compose.yml builds, and what its containers run."""
