-- Tails that Discord channels show, until the channel shows that they ended.

CREATE TABLE channel_tails (
    number INTEGER PRIMARY KEY, -- the journal's position of its start
    image  BLOB NOT NULL
) STRICT;
