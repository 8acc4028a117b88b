"""The stream "events": every message of events.raw ends up as an event or in quarantine, exactly once."""
