"""Creates the groups of the roles. Users who exist already keep what they could do: they become analysts."""

from django.db import migrations

ROLES = ("viewer", "analyst", "admin")


def create_roles(apps, schema_editor):
    Group, User = apps.get_model("auth", "Group"), apps.get_model("auth", "User")
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in ROLES}
    for user in User.objects.filter(is_superuser=False).exclude(groups__name__in=ROLES):
        user.groups.add(groups["analyst"])


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
