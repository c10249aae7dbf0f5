-- What later occurrences say is found too, and so are alerts by how often they happened.

-- Lines of kept occurrences that the first one doesn't have; the search reads them some seconds after they came in.
ALTER TABLE alerts ADD COLUMN later TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN unread INTEGER; -- 1: occurrences came that the search has not read
CREATE INDEX alerts_unread ON alerts (alert_id) WHERE unread = 1;

-- As before, with these lines at the end: where there are none, the text has the same words as it had.
DROP VIEW alert_texts;
CREATE VIEW alert_texts AS
SELECT a.alert_id AS alert_id,
       (a.image ->> '$.title') || char(10) || coalesce(a.image ->> '$.exception_type', '') || char(10)
       || (a.image ->> '$.service') || char(10) || (a.image ->> '$.environment') || char(10)
       || coalesce(a.image ->> '$.request_path', '') || char(10)
       || substr(o.image ->> '$.message', 1, 4000) || char(10)
       || substr(coalesce(o.image ->> '$.stack_trace', ''), 1, 8000) || char(10) || a.names
       || char(10) || a.later AS text,
       a.tags AS tags
FROM (SELECT alert_id, names, tags, later, CAST(image AS TEXT) AS image FROM alerts) AS a
JOIN (SELECT alert_id, CAST(image AS TEXT) AS image FROM occurrences WHERE ordinal = 1) AS o
  ON o.alert_id = a.alert_id;

-- Holds all that a filter looks at. Most alerts happened once, which is no filter; a column of its own, because
-- "at least 10" tells SQLite that it is not NULL, and not that it is more than one.
ALTER TABLE alerts ADD COLUMN repeats INTEGER; -- count, where it is more than one
UPDATE alerts SET repeats = count WHERE count > 1;
CREATE INDEX alerts_by_count
    ON alerts (repeats, state, severity, last_seen_at_ms, alert_id, service, environment) WHERE repeats IS NOT NULL;
