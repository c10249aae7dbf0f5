-- Silences and maintenance windows, and which alerts they hold.

CREATE TABLE silences (
    silence_id INTEGER PRIMARY KEY,
    ends_at_ms INTEGER NOT NULL,
    image      BLOB    NOT NULL
) STRICT;

CREATE INDEX silences_by_end ON silences (ends_at_ms);

ALTER TABLE alerts ADD COLUMN silenced_by INTEGER;

CREATE INDEX alerts_by_silence ON alerts (silenced_by) WHERE silenced_by IS NOT NULL;
