-- Keys of requests in the order in which they came. Keys are random: in their order each request would write a page of
-- its own, and now and then split one; so only a small index is, and the oldest are found without another.

CREATE TABLE idempotency_new (
    number   INTEGER PRIMARY KEY,
    sender   TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    request  BLOB    NOT NULL, -- SHA-256 of the command
    response BLOB    NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT;

INSERT INTO idempotency_new (sender, key, request, response, at_ms)
SELECT sender, key, request, response, at_ms FROM idempotency ORDER BY at_ms;

DROP TABLE idempotency;
ALTER TABLE idempotency_new RENAME TO idempotency;
CREATE UNIQUE INDEX idempotency_by_key ON idempotency (key, sender);
