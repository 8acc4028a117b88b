"""Creates the permission to see personal data, and gives it to analysts. Admins have every permission."""

from django.db import migrations, models

NAME = "See names and e-mail addresses of customers"
CODENAME = "see_personal_data"


def give_to_analysts(apps, schema_editor):
    """Django itself would create the permission only after all migrations."""
    ContentType, Permission = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    content_type, _ = ContentType.objects.get_or_create(app_label="accounts", model="personaldata")
    permission, _ = Permission.objects.get_or_create(
        content_type=content_type, codename=CODENAME, defaults={"name": NAME}
    )
    apps.get_model("auth", "Group").objects.get(name="analyst").permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_verbose_names"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.CreateModel(
            name="PersonalData",
            fields=[("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))],
            options={"permissions": [(CODENAME, NAME)], "managed": False, "default_permissions": ()},
        ),
        migrations.RunPython(give_to_analysts, migrations.RunPython.noop),
    ]
