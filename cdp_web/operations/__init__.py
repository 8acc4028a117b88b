"""The site as a running thing: health for probes and the heartbeat of the workers."""
