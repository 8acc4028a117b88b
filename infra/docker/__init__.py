"""The image that docker-compose.yml builds, and the program that its containers run."""
