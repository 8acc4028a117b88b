"""Configuration of the servers, and the code behind ./run."""
