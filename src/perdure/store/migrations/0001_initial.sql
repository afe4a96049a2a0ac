-- The schema of a Perdure database on SQLite, version 1.
--
-- Tables
--   runs         one row for each run: its state, seq and epoch (the fence), owner, when it wakes.
--                Small, because every turn updates it; what is large or rare lies in run_data.
--   run_data     what a run was started with, its result, the cursor of printed output.
--   log          one row for each turn: the delta and the chain of hashes. Old payloads become
--                NULL, their hash stays.
--   snapshots    the newest two full snapshots of a run.
--   inbox        what waits for a run's next turn: messages, console lines, operator actions, ends
--                of watched runs.
--   seen         message ids that a run was sent, also consumed ones: a message is delivered once.
--   mail         messages to runs that do not exist yet.
--   watchers     who wants to hear of a run's end.
--   outputs      what a program displayed, by turn.     log_lines   what it wrote to its own log.
--   programs, definitions, names     code by hash; which program a name means.
--   owners       living workers; `heartbeat` is their lease, the lock file beside the database
--                their life.
--
-- Verbs (sqlite.py): start_run, send, claim, load, commit, release, reap_dead_owners, prune.
--
-- Guarantees
--   A turn is one UPDATE of runs, conditional on (run, epoch, seq), and what hangs on it, in one
--   transaction.
--   `ready` = 1 says that there is something to do: every insert into inbox sets it, and a commit
--   with status 'ready'. A claim clears it. A run is claimable when it has no owner and is ready,
--   or its wake_at has come.
--   Run numbers (num) are internal: they make keys short. They never leave these tables.

CREATE TABLE runs (
    num          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    program      TEXT NOT NULL,
    parent       TEXT NOT NULL,
    created_at   REAL NOT NULL,
    status       TEXT NOT NULL,
    detail       TEXT NOT NULL DEFAULT '',
    seq          INTEGER NOT NULL DEFAULT 0,
    epoch        INTEGER NOT NULL DEFAULT 0,
    owner        INTEGER NOT NULL DEFAULT 0,
    ready        INTEGER NOT NULL DEFAULT 1,
    wake_at      REAL,
    updated_at   REAL NOT NULL,
    snapshot_seq INTEGER NOT NULL DEFAULT 0,
    quarantined  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_ready ON runs (num) WHERE ready = 1;
CREATE INDEX runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_owner ON runs (owner) WHERE owner <> 0;

CREATE TABLE run_data (
    run       INTEGER PRIMARY KEY,
    arguments BLOB NOT NULL,
    result    BLOB,
    cursor    INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE log (
    run          INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    at           REAL NOT NULL,
    hash         BLOB NOT NULL,
    payload      BLOB,
    payload_hash BLOB,
    note         TEXT,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE snapshots (
    run     INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE inbox (
    num        INTEGER PRIMARY KEY AUTOINCREMENT,
    run        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender     TEXT NOT NULL,
    payload    BLOB NOT NULL,
    at         REAL NOT NULL
);
CREATE INDEX inbox_run ON inbox (run, num);

CREATE TABLE seen (
    run        INTEGER NOT NULL,
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (run, sender, message_id)
) WITHOUT ROWID;

CREATE TABLE mail (
    num        INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender     TEXT NOT NULL,
    payload    BLOB NOT NULL,
    at         REAL NOT NULL
);
CREATE INDEX mail_run ON mail (run_id, sender, message_id);

CREATE TABLE watchers (
    run_id  TEXT NOT NULL,
    watcher INTEGER NOT NULL,
    PRIMARY KEY (run_id, watcher)
) WITHOUT ROWID;

CREATE TABLE outputs (
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE log_lines (
    num     INTEGER PRIMARY KEY AUTOINCREMENT,
    run     INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      REAL NOT NULL,
    level   TEXT NOT NULL,
    message TEXT NOT NULL,
    fields  TEXT NOT NULL
);
CREATE INDEX log_lines_run ON log_lines (run, num);

CREATE TABLE programs    (hash TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE definitions (hash TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE names       (name TEXT PRIMARY KEY, program TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE owners (
    num       INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    started_at REAL NOT NULL,
    heartbeat REAL NOT NULL
);
