"""Names sort by their bytes, as the distribution specification asks, whatever the database's own locale is."""

from django.db import migrations

COLUMNS = [("registry_repository", "name", 255), ("registry_tag", "name", 128)]


def order_bytewise(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":  # SQLite compares bytes already.
        for table, column, length in COLUMNS:
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({length}) COLLATE "C"')


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(order_bytewise, migrations.RunPython.noop)]
