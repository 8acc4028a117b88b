"""The same services and selectors as the pages, as JSON under /api/v1/. An answer names the publication it was read from."""
