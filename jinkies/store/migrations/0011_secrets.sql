-- How many secrets were cut from what was taken in, never which.
CREATE TABLE secrets (
    day     INTEGER NOT NULL, -- days since 1970-01-01; -1: since ever
    service TEXT    NOT NULL, -- '' since ever
    kind    TEXT    NOT NULL,
    cut     INTEGER NOT NULL,
    PRIMARY KEY (day, service, kind)
) STRICT, WITHOUT ROWID;
