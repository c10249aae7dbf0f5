-- Finding, keeping and figures for a million alerts.

-- Every index that lists alerts holds all that a filter looks at, so that a walk along it reads no row that it leaves
-- out; each begins with what a filter names one value of, and ends in the order of pages.
CREATE TABLE alerts_new (
    alert_id          INTEGER PRIMARY KEY,
    fingerprint       TEXT    NOT NULL UNIQUE,
    state             TEXT    NOT NULL,
    severity          INTEGER NOT NULL, -- rank: 0 info … 3 critical
    service           TEXT    NOT NULL,
    environment       TEXT    NOT NULL,
    count             INTEGER NOT NULL,
    last_seen_at_ms   INTEGER NOT NULL,
    resolved_at_ms    INTEGER,
    pull_request      TEXT,             -- state of the work: requested, done, failed
    names             TEXT    NOT NULL, -- parts of CamelCase names in its text, for the search
    tags              TEXT    NOT NULL, -- of its first occurrence, "name=value", one a line
    image             BLOB    NOT NULL,
    due_at_ms         INTEGER,          -- when time alone decides something of it
    silenced_by       INTEGER
) STRICT;

INSERT INTO alerts_new
SELECT alert_id, fingerprint, state, severity, service, CAST(image AS TEXT) ->> '$.environment',
       CAST(image AS TEXT) ->> '$.count', last_seen_at_ms, CAST(image AS TEXT) ->> '$.resolved_at_ms',
       pull_request, '', '', image, due_at_ms, silenced_by
FROM alerts;

DROP TABLE alerts;
ALTER TABLE alerts_new RENAME TO alerts;

CREATE INDEX alerts_by_state ON alerts (state, severity, last_seen_at_ms DESC, alert_id DESC, count);
CREATE INDEX alerts_by_service
    ON alerts (service, state, severity, last_seen_at_ms DESC, alert_id DESC, environment, count);
CREATE INDEX alerts_by_environment ON alerts (environment, state, severity, last_seen_at_ms DESC, alert_id DESC, count);
CREATE INDEX alerts_by_resolution ON alerts (resolved_at_ms, last_seen_at_ms) WHERE state = 'resolved';
CREATE INDEX alerts_by_due ON alerts (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE INDEX alerts_by_silence ON alerts (silenced_by) WHERE silenced_by IS NOT NULL;
CREATE INDEX alerts_by_pull_request ON alerts (pull_request) WHERE pull_request = 'requested';

-- What the search holds of an alert: never changes while its first occurrence and these fields of its image don't,
-- so that the index, which keeps no text of its own, can be told what to forget.
CREATE VIEW alert_texts AS
SELECT a.alert_id AS alert_id,
       (a.image ->> '$.title') || char(10) || coalesce(a.image ->> '$.exception_type', '') || char(10)
       || (a.image ->> '$.service') || char(10) || (a.image ->> '$.environment') || char(10)
       || coalesce(a.image ->> '$.request_path', '') || char(10)
       || substr(o.image ->> '$.message', 1, 4000) || char(10)
       || substr(coalesce(o.image ->> '$.stack_trace', ''), 1, 8000) || char(10) || a.names AS text,
       a.tags AS tags
FROM (SELECT alert_id, names, tags, CAST(image AS TEXT) AS image FROM alerts) AS a
JOIN (SELECT alert_id, CAST(image AS TEXT) AS image FROM occurrences WHERE ordinal = 1) AS o
  ON o.alert_id = a.alert_id;

CREATE VIRTUAL TABLE alert_search USING fts5(
    text, tags, content = 'alert_texts', content_rowid = 'alert_id', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO alert_search (alert_search) VALUES ('rebuild');

-- What stays of an alert's journal when the journal is compacted: what people and the lifecycle did.
CREATE TABLE timeline (
    alert_id INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    actor    TEXT    NOT NULL, -- JSON, as jinkies.model encodes it
    text     TEXT    NOT NULL,
    PRIMARY KEY (alert_id, seq)
) STRICT, WITHOUT ROWID;

DROP INDEX journal_by_alert;
CREATE INDEX journal_by_alert ON journal (alert_id, seq) WHERE kind != 'alert.occurred' AND alert_id IS NOT NULL;

-- From an opening (or coming back) to a resolution: what the times to act are computed from.
CREATE TABLE episodes (
    alert_id           INTEGER NOT NULL,
    opened_at_ms       INTEGER NOT NULL, -- when the core took it in
    service            TEXT    NOT NULL,
    acknowledged_at_ms INTEGER,
    resolved_at_ms     INTEGER,
    PRIMARY KEY (alert_id, opened_at_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX episodes_by_opening ON episodes (opened_at_ms, service, acknowledged_at_ms, resolved_at_ms);

INSERT INTO episodes
SELECT alert_id, CAST(image AS TEXT) ->> '$.first_seen_at_ms', service, CAST(image AS TEXT) ->> '$.acknowledged_at_ms',
       resolved_at_ms
FROM alerts;

-- Occurrences of an alert on a day (UTC).
CREATE TABLE activity (
    day         INTEGER NOT NULL, -- days since 1970-01-01
    alert_id    INTEGER NOT NULL,
    service     TEXT    NOT NULL,
    occurrences INTEGER NOT NULL,
    PRIMARY KEY (day, alert_id)
) STRICT, WITHOUT ROWID;

INSERT INTO activity SELECT last_seen_at_ms / 86400000, alert_id, service, count FROM alerts;
