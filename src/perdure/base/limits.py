"""Every bound of the system, in one place, each with its reason.

Layer: base. Imports nothing.
Invariant: a loop, queue, payload, retry or depth anywhere in Perdure is bounded by a name of this file.
"""

from typing import Final

# -- source text ---------------------------------------------------------------------------
SOURCE_MAX_BYTES: Final = 16 * 1024 * 1024
"""A program larger than this is data, not text that somebody wrote."""

DATUM_DEPTH_MAX: Final = 1_000
"""Nesting of parentheses. Deep enough for generated code; shallow enough that CPython's own compiler
accepts what comes out (about 3,000 nested nodes)."""

READ_DEPTH_MAX: Final = 10_000_000
"""Nesting of data that `read` takes from a port: they are not compiled, so memory alone is what they need."""

READ_AGAIN_MAX: Final = 20
"""How often reading goes on behind a list that is never closed, which costs the rest of the text each time."""

SYNTAX_ERRORS_MAX: Final = 100
"""Errors of one program that are reported."""

EXPANSION_STEPS_MAX: Final = 300_000
"""Macro uses in one program: a macro that expands into itself stops here with an error."""

EXPANSION_DEPTH_MAX: Final = 5_000
"""Macro uses that come out of one another: a macro that expands into itself stops here, in a fraction of a second."""

EXPANSION_PARTS_MAX: Final = 1_000_000
"""Parts of lists that one macro use may build: a macro that doubles its arguments each time stops here."""

EXPANSION_WORK_MAX: Final = 3_000_000
"""Parts of lists, and scopes of names, that all macro uses of a program may make together: some seconds of work."""

PATTERN_DEPTH_MAX: Final = 100
"""Nesting of one pattern or template of `syntax-rules`; these alone are walked on Python's stack."""

EXPRESSION_DEPTH_MAX: Final = 60
"""Nested conditionals in one emitted function; what is deeper becomes a procedure of its own."""

LOOPS_NESTED_MAX: Final = 12
"""Loops inside one another in one emitted function (CPython nests 20 blocks); a deeper one is a procedure of its own."""

# -- values --------------------------------------------------------------------------------
INTEGER_MAX_BITS: Final = 64 * 1024 * 1024
"""The largest exact integer that `expt` and shifts may make (8 MiB)."""

OBJECT_MAX_SLOTS: Final = 256 * 1024 * 1024
"""The largest vector, string or bytevector that one primitive may make at once."""

KEY_PARTS_MAX: Final = 1_000_000
"""Parts of one `equal?` hash table key; a circular key stops here."""

PRINTED_MAX_CHARS: Final = 16 * 1024 * 1024
"""What one `write` may make; `write-simple` of circular data stops here."""

SLOT_CHANGES_MAX: Final = 4_096
"""Changed slots of one object that are recorded one by one; beyond it the object is saved whole."""

# -- running -------------------------------------------------------------------------------
TURN_SLICE_S: Final = 0.2
"""A task that computes for so long without blocking is pre-empted, saved and requeued."""

TURN_SLICE_SHARED_S: Final = 0.05
"""The same, in a worker that has other runs in memory: they wait meanwhile."""

TURN_SLICE_SHARED_MAX_S: Final = 0.25
"""A slice grows with what saving a cut turn costs, up to this, in such a worker."""

CUT_WAIT_S: Final = 1.0
"""A run whose last turn was cut lets others go first for so long."""

TURN_MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""What one turn may make the process grow by, before a quota-error is raised in it."""

OVERDRAWN_MAX: Final = 3
"""Quota-errors of memory in one turn; at the next one, the turn is thrown away and the run parked."""

STATE_SHARE: Final = 4
"""Bytes of memory that a byte of a run's stored state stands for, as measured with pairs, vectors and strings. So a run
whose state is larger than the quota of memory divided by this has met it."""

TURN_OUTPUT_CHARS: Final = 1024 * 1024
"""What a turn displays before it is ended, so that it is stored; one `write` more may come on top."""

OUTPUT_KEPT_CHARS: Final = 16 * 1024 * 1024
"""Output since the last snapshot at which a new one is made, so that the retention is applied."""

TURN_SENDS: Final = 1_000
"""Messages that a turn sends before it is ended."""

TRACE_FRAMES_MAX: Final = 50
"""Frames that an error message or `show` prints of one stack; the middle of a longer one is left out."""

TURN_SLICE_MAX_S: Final = 2.0
"""A slice grows with what saving a cut turn costs, up to this."""

# -- data across the boundary --------------------------------------------------------------
PAYLOAD_MAX_BYTES: Final = 16 * 1024 * 1024
"""One argument list, effect result, message or run result, encoded."""

BOUNDARY_DEPTH_MAX: Final = 500
"""Nesting of data that crosses to or from Python or JSON."""

FILE_MAX_BYTES: Final = 64 * 1024 * 1024
"""A file that a program opens for reading: it is read whole, and lies in the run's heap."""

FILE_BUFFER_CHARS: Final = 64 * 1024
"""What a file's port collects before it is written out: one effect for so much."""

FILE_PIECE_BYTES: Final = 4 * 1024 * 1024
"""What one effect writes to a file at most; well below PAYLOAD_MAX_BYTES."""

SNAPSHOT_MAX_BYTES: Final = 4 * 1024 * 1024 * 1024
"""A stored snapshot or delta, decompressed; the declared size is checked before anything is allocated."""

COMPRESS_MIN_BYTES: Final = 384
"""Payloads shorter than this are stored as they are: compressing would cost more time than it saves bytes."""

DICTIONARY_MAX_BYTES: Final = 64 * 1024
"""Payloads shorter than this are compressed with a dictionary; longer ones are their own."""

# -- the engine ----------------------------------------------------------------------------
RUN_ID_MAX_CHARS: Final = 200
EFFECT_ATTEMPTS_MAX: Final = 1_000
RETRY_IN_MAX_S: Final = 10 * 365 * 86_400.0
"""How far an operator can put off an attempt of an effect."""

EFFECT_THREADS: Final = 16
"""Plain (not async) effects that one worker performs at the same time."""

EFFECTS_MAX: Final = 1_000
"""Async effects that one worker performs at the same time: each holds a connection or something like it."""

LIVE_RUNS_MAX: Final = 1_000
"""Runs that a worker keeps decoded in memory between turns."""

DELTA_CHAIN_MAX: Final = 200
"""Deltas since the last full snapshot before a new one replaces the chain, at the least."""

COMPACT_INLINE_BYTES: Final = 256 * 1024
"""A chain of deltas that is longer, uncompressed, is compacted by another process; a shorter one takes some milliseconds."""

COMPACTION_SLOW_S: Final = 30.0
"""A compaction that takes longer is told to the operator."""

LEASE_S: Final = 30.0
"""How long a worker that hangs keeps its runs. One whose process is gone loses them at once."""

BEATER_AFTER_S: Final = 3.0
"""A worker that has lived for so long gets a process that beats for it: short commands never pay for one."""

PROGRESS_SHARE: Final = 0.02
"""The share of a processor from which on a worker counts as computing. One that is dead-locked uses a thousandth."""

TURN_STUCK_S: Final = 600.0
"""A worker that computes for so long without coming back from one operation of a program is killed."""

POLL_S: Final = 0.05
"""How often a worker looks for work that another process recorded."""

REAP_S: Final = 1.0
"""How often a worker looks for owners that died."""

RESTART_BATCH = 200
"""Parked runs that are decoded at a time to say what a restart of many would do to each."""

START_BATCH: Final = 1_000
"""Runs that one transaction starts."""

DEADLINE_GRACE_S: Final = 1.0
"""How long after its deadline an effect is stopped by the engine: by then the task that waits for it has been interrupted, if the
deadline is its own."""

CHILDREN_CANCELLED_MAX: Final = 100_000
"""Runs that one run has started and that are cancelled in the commit of its own cancellation; more are left."""

CLAIM_BATCH: Final = 64
"""Runs that a worker claims at once."""

DEATHS_MAX: Final = 5
"""Workers that may die one after the other while they execute a run; then the run is quarantined."""

DEATHS_ALONE: Final = 3
"""A run that cost so many workers their lives is the only one on probation that its worker has: if it is not the one that
kills, it will not die with that one any more."""

PAGE_RUNS: Final = 1_000
"""Runs, or entries of a log, that are read at once when all of them are looked through."""

INBOX_BATCH: Final = 10_000
"""Rows of one inbox that are read at once; the others wait until these are taken."""

BATCH_RUNS: Final = 64
"""Runs whose turns one transaction commits, at most."""

BATCH_S: Final = 0.05
"""How long a worker goes on taking turns before it commits those that it has."""

OUTAGE_S: Final = 60.0
"""How long a worker goes on asking a database that is locked, full or away, before it ends with the error."""

OUTAGE_POLL_S: Final = 0.5
"""How often it asks, at the least."""

OPEN_S: Final = 0.02
"""How long a worker decodes claimed runs before it looks at those that are live."""

CONNECT_TIMEOUT_S: Final = 10.0
"""How long connecting to a database server may take."""

STATEMENT_TIMEOUT_S: Final = 60.0
"""How long a database server may work on one statement, or a connection may be silent."""

SILENCE_S: Final = 75.0
"""How long a database server may leave a statement without an answer, before its connection is given up: longer than it
may work on one."""

LOCK_TIMEOUT_S: Final = 10.0
"""How long a statement may wait for another session's lock."""

RECONNECT_MAX_S: Final = 2.0
"""The longest pause between two attempts to connect again."""

SERVER_POLL_S: Final = 0.5
"""How often a worker looks for work on a database server, which tells it of new work, as a rule."""

HINT_S: Final = 0.02
"""A handle tells the other processes of new work this often, at most."""

CLOCK_SYNC_S: Final = 10.0
"""How often the clock of a database server is read; between two looks it is reckoned."""

CANCEL_GRACE_S: Final = 1.0
"""How long cancelled async effects may take to clean up when a worker ends."""

SHOWN_VALUE_CHARS: Final = 100
"""One variable's value in `show` and in error reports."""

YIELD_S: Final = 0.02
"""A worker that has turn after turn to take looks at everything else this often."""

# -- tests of programs -----------------------------------------------------------------------
TEST_TURN_POLLS: Final = 2_000_000
"""Tests of the watchdog's flag after which a turn is cut in a world of a test: some tenths of a second."""

TEST_TURNS_MAX: Final = 50_000
"""Turns that a world of a test takes at most: some seconds. What goes on longer is taken to go on for ever."""

TEST_CRASHES_MAX: Final = 500
"""Points at which crash_everywhere kills one by one; of more, as many are chosen evenly."""
