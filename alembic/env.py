"""Runs the migrations on the connection that :mod:`monitor.storage.migrate` hands over; or only says, for
PostgreSQL, what would be executed."""

from alembic import context

from monitor.storage.tables import metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
    )
with context.begin_transaction():
    context.run_migrations()
