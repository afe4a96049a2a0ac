-- What stays of an entry whose payload is kept no more. It moves here as a whole, so that the pages
-- of `log` are used again; emptied in place, entries would leave them half full for good.

CREATE TABLE history (
    run          INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    at           REAL NOT NULL,
    hash         BLOB NOT NULL,
    payload_hash BLOB NOT NULL,
    note         TEXT,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

INSERT INTO history SELECT run, seq, kind, at, hash, payload_hash, note FROM log WHERE payload IS NULL;
DELETE FROM log WHERE payload IS NULL;

ALTER TABLE log DROP COLUMN payload_hash;
