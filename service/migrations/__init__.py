"""The database's schema, and how it came about: revisions of Alembic, in `versions/`."""
