"""The code behind ./run: the supervisor, the services and their order, health checks, and what the machine must have."""
