"""Jobs get numbers for ids, results and a trigger; queues can be paused, schedules set, worker processes seen.

A table cannot change its primary key everywhere, so jobs move into a new one: those that wait or run. The history of
those that have ended is forgotten.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

MOVED = (
    "kind", "args", "key", "exclusive", "state", "priority", "run_at", "origin", "owner", "lease_expires_at", "attempts",
    "max_attempts", "stop_requested", "created_at", "started_at",
)


def move_active(apps, schema_editor):
    old, new = apps.get_model("jobs", "FormerJob"), apps.get_model("jobs", "Job")
    active = old.objects.filter(state__in=("Pending", "Running")).order_by("created_at").values(*MOVED)
    new.objects.bulk_create((new(**row) for row in active.iterator()), batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint('job', 'job_active_key'),
        migrations.RemoveConstraint('job', 'job_exclusive_running'),
        migrations.RemoveIndex('job', 'job_pending'),
        migrations.RemoveIndex('job', 'job_leased'),
        migrations.RemoveIndex('job', 'job_finished'),
        migrations.RemoveIndex('job', 'job_newest'),
        migrations.RemoveField('schedule', 'last_job'),
        migrations.DeleteModel('JobLog'),
        migrations.RenameModel('Job', 'FormerJob'),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('number', models.BigAutoField(help_text="The job's id; the newest has the highest.", primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('args', models.JSONField(default=dict, help_text="Keyword arguments of the kind's function.")),
                ('key', models.CharField(default='', help_text='At most one active job exists per kind and key.', max_length=255)),
                ('exclusive', models.BooleanField(default=False, help_text='No two jobs of this kind run at the same time, anywhere.')),
                ('state', models.CharField(choices=[('Pending', 'Pending'), ('Running', 'Running'), ('Stopped', 'Stopped'), ('Error', 'Error'), ('Success', 'Success')], default='Pending', max_length=8)),
                ('priority', models.SmallIntegerField(default=0, help_text='Higher goes first.')),
                ('run_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Not before this time.')),
                ('origin', models.JSONField(default=dict, help_text='Who asked for it: the fields of audit.origin.Origin.')),
                ('trigger', models.CharField(choices=[('MANUAL', 'Manual'), ('SCHEDULE', 'Schedule'), ('EVENT', 'Event')], default='MANUAL', max_length=8)),
                ('owner', models.CharField(default='', help_text='Token of the run that holds the lease.', max_length=128)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='Runs begun, less those cut short by a shutdown.')),
                ('max_attempts', models.PositiveSmallIntegerField(default=3)),
                ('stop_requested', models.BooleanField(default=False)),
                ('progress_done', models.BigIntegerField(default=0)),
                ('progress_total', models.BigIntegerField(null=True)),
                ('progress_message', models.CharField(default='', max_length=255)),
                ('result', models.JSONField(default=dict, help_text="What came out so far, in words of the kind's own.")),
                ('error', models.TextField(default='', help_text='Why the last attempt failed.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(help_text='When the last attempt began.', null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'Pending')), fields=['-priority', 'run_at'], name='job_pending'), models.Index(condition=models.Q(('state', 'Running')), fields=['lease_expires_at'], name='job_leased'), models.Index(fields=['finished_at'], name='job_finished'), models.Index(fields=['kind', 'number'], name='job_kind')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('Pending', 'Running')), models.Q(('key', ''), _negated=True)), fields=('kind', 'key'), name='job_active_key'), models.UniqueConstraint(condition=models.Q(('exclusive', True), ('state', 'Running')), fields=('kind',), name='job_exclusive_running')],
            },
        ),
        migrations.RunPython(move_active, migrations.RunPython.noop),
        migrations.DeleteModel('FormerJob'),
        migrations.CreateModel(
            name='JobLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('text', models.TextField()),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log', to='jobs.job')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField('schedule', 'last_job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.job')),
        migrations.CreateModel(
            name='Pause',
            fields=[
                ('kind', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='WorkerPool',
            fields=[
                ('id', models.CharField(help_text='host:process:token, the beginning of Job.owner.', max_length=96, primary_key=True, serialize=False)),
                ('host', models.CharField(max_length=64)),
                ('pid', models.PositiveIntegerField()),
                ('concurrency', models.PositiveIntegerField(help_text='How many jobs it runs at a time.')),
                ('start_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('heartbeat_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RemoveConstraint('schedule', 'schedule_cron_or_every'),
        migrations.AddField('schedule', 'chosen', models.BooleanField(default=False, help_text='Somebody set it; it is not what its kind brought along.')),
        migrations.AddField('schedule', 'created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        migrations.AddField('schedule', 'updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it was last set, not when it last ran.')),
        migrations.AddField('schedule', 'label', models.CharField(default='', help_text='What who set it calls that, such as Daily.', max_length=16)),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cron', ''), ('every__isnull', False)), models.Q(models.Q(('cron', ''), _negated=True), ('every__isnull', True)), models.Q(('cron', ''), ('enabled', False), ('every__isnull', True)), _connector='OR'), name='schedule_cron_or_every'),
        ),
    ]
