"""`manage.py gc` and `manage.py fsck`."""
