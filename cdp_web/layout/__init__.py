"""What all pages share: base template, style, icons, number formats, security headers."""
