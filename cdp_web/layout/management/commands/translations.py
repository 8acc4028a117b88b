"""`manage.py translations`: collect the texts of templates, Python and scripts into the catalogues of every language, and compile
them. By Babel, so nobody needs gettext's programs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from cdp_web.layout.translations import DOMAINS, compile_catalogue, list_languages, read_catalogue, update_catalogue


class Command(BaseCommand):
    help = "Update and compile the translations of the site."

    def handle(self, *args: Any, **options: Any) -> None:
        for language in list_languages():
            for domain in DOMAINS:
                update_catalogue(language, domain)
                compile_catalogue(language, domain)
                missing = [message.id for message in read_catalogue(language, domain) if message.id and not message.string]
                self.stdout.write(f"{language} {domain}: {len(missing)} texts without a translation")
                for text in missing:
                    self.stdout.write(f"  {text!r}")
