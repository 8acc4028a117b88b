"""The site: Django project, apps and Celery tasks. Imports `cdp` and itself, nothing else of the project."""

# Tasks that a page hands over go to the app that is loaded; without this it would be Celery's default one.
from cdp_web.celery import app as celery_app

__all__ = ["celery_app"]
