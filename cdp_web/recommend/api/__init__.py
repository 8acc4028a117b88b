"""The recommendation API: a program of its own, without Django, that answers from memory and Redis."""
