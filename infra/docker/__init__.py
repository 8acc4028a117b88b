"""docker-compose.yml: its description, its generator, the image that it builds and the program that its containers run."""
