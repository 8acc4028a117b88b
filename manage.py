#!/usr/bin/env python
"""Django management commands of the site."""
