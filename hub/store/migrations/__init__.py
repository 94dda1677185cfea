"""Steps that bring an older database up to date; Alembic runs them when the store opens."""
