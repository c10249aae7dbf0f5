-- Alerts, their occurrences, the journal, what Discord should show, and what makes a repeated request harmless.
-- Images are JSON as jinkies.model encodes them; the columns beside them are what queries need.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    alert_id          INTEGER PRIMARY KEY,
    fingerprint       TEXT    NOT NULL UNIQUE,
    state             TEXT    NOT NULL,
    severity          INTEGER NOT NULL, -- rank: 0 info … 3 critical
    service           TEXT    NOT NULL,
    last_seen_at_ms   INTEGER NOT NULL,
    pull_request      TEXT,             -- state of the work: requested, done, failed
    search            TEXT    NOT NULL, -- case-folded title, message and exception type
    image             BLOB    NOT NULL
) STRICT;

CREATE INDEX alerts_by_last_seen ON alerts (last_seen_at_ms DESC, alert_id DESC);
CREATE INDEX alerts_by_state ON alerts (state, last_seen_at_ms DESC, alert_id DESC);
CREATE INDEX alerts_by_pull_request ON alerts (pull_request) WHERE pull_request = 'requested';

CREATE TABLE occurrences (
    alert_id INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL, -- 1 is the first; the first and the newest are kept
    image    BLOB    NOT NULL,
    PRIMARY KEY (alert_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    actor    TEXT    NOT NULL, -- "kind:id"
    kind     TEXT    NOT NULL,
    alert_id INTEGER,
    body     BLOB    NOT NULL
) STRICT;

CREATE INDEX journal_by_alert ON journal (alert_id, seq) WHERE alert_id IS NOT NULL;

CREATE TABLE deliveries (
    alert_id   INTEGER NOT NULL,
    channel_id TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    in_step    INTEGER NOT NULL,
    image      BLOB    NOT NULL,
    PRIMARY KEY (alert_id, channel_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_waiting ON deliveries (alert_id) WHERE in_step = 0;

CREATE TABLE idempotency (
    sender   TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    request  BLOB    NOT NULL, -- SHA-256 of the command
    response BLOB    NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (sender, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (at_ms);

CREATE TABLE leases (
    name          TEXT    PRIMARY KEY,
    holder        TEXT    NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE watches (
    name   TEXT    PRIMARY KEY,
    cursor TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
