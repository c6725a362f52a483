"""Django's admin site at /admin/: a look at the rows behind everything, for administrators.

It only shows. Whatever changes goes through a verb, which checks and journals it: the REST API and the commands do that.
"""
