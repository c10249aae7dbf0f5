-- How many new cards a channel got within the last minute, and its newest digest.

CREATE TABLE storms (
    channel_id TEXT PRIMARY KEY,
    image      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
