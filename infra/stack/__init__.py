"""The code behind ./run: one supervisor, the services in order of dependence, their health, and the machine they need."""
