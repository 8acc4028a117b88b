"""The table of alerts, so that pages need not ask whether a stream has created it; and the rules that every installation begins
with, one of each kind, switched on."""

from django.db import migrations
from django.utils import timezone

from cdp.mart.daily import create_statements
from cdp.mart.live import ALERT

RULES = (
    ("Many orders", "frequency", {"orders": 5, "minutes": 60}),
    ("Large order", "amount", {"amount": "5000.00"}),
    ("Same products again", "repeated_basket", {"orders": 3, "products": 1, "minutes": 60}),
    ("Same products, different customers", "shared_basket", {"different": 3, "products": 2, "minutes": 60}),
    ("Failed payments", "failed_payments", {"payments": 3, "minutes": 60}),
    ("Large order of a new account", "new_account", {"hours": 24, "amount": "1000.00"}),
)


def create_alerts(apps, schema_editor):
    for statement in create_statements((ALERT,)):
        schema_editor.execute(statement)


def add_rules(apps, schema_editor):
    rule = apps.get_model("fraud", "FraudRule")
    for name, kind, parameters in RULES:
        rule.objects.create(name=name, kind=kind, parameters=parameters, is_active=True, active_since=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("fraud", "0001_initial")]
    operations = [
        migrations.RunPython(create_alerts, migrations.RunPython.noop),
        migrations.RunPython(add_rules, migrations.RunPython.noop),
    ]
