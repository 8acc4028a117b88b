"""What the HTTP services of several folders share: errors as problems, the page of documentation, the token."""
