-- The state of the work on GitHub that an alert waits for: requested, or NULL for none.
ALTER TABLE alerts RENAME COLUMN pull_request TO work;
UPDATE alerts SET work = NULL WHERE work IS NOT NULL AND work <> 'requested';
DROP INDEX alerts_by_pull_request;
CREATE INDEX alerts_by_work ON alerts (work) WHERE work IS NOT NULL;
