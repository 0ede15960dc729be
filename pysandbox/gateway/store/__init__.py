"""What the gateway keeps: SQLite in one file by default, PostgreSQL for replicas that share it.

Where to begin: `tables.py` has every table, `database.py` opens and migrates. Every row has a tenant.
"""
