"""The site: Django project, apps and Celery tasks. Imports `cdp` and itself, nothing else of the project."""

# Pages send tasks to the loaded Celery app; without this import that would be Celery's default app.
from cdp_web.celery import app as celery_app

__all__ = ["celery_app"]
