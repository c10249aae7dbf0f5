"""SQLite through aiosqlite: the alerts, the journal, what Discord should show."""
