-- When time alone decides something of an alert: the end of a snooze, a quiet time that is over.

ALTER TABLE alerts ADD COLUMN due_at_ms INTEGER;

CREATE INDEX alerts_by_due ON alerts (due_at_ms) WHERE due_at_ms IS NOT NULL;
