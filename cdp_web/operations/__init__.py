"""Operation of the site: health for probes, and the heartbeat of the workers."""
