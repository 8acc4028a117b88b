"""The services and selectors of the pages as JSON under /api/v1/. Every answer names the publication it was read from."""
