"""Shared by all pages: base template, style, icons, number formats, security headers."""
