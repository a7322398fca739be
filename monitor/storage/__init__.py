"""Stage 7: the database. The only user of SQLAlchemy, beside the migrations.

``base`` is what the pipeline, the sweep and the dashboard ask for; ``sql`` answers on PostgreSQL and SQLite.
"""
