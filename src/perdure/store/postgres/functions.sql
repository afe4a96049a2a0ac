-- The verbs of a Perdure database on PostgreSQL. They belong to the schema's version and are made anew
-- by every migration.
--
-- Functions, not statements sent by the worker: a turn with all that hangs on it is one round trip and
-- one transaction, their plans are kept by the server, also behind a pooler that shares sessions, and
-- what one transaction decides (who won, whether a receiver lives) needs no second question.
--
-- Verbs    take_turns, commit     turns of runs, all or nothing each          (commit.py)
--          start                  new runs                                    (store.py)
--          send                   one row for an inbox, or for the mail
--          claim, claim_one, release, stop_suspecting, reap, register, relock
--
-- at       the clock: NULL means the server's own. Every verb that takes it says so first.
-- Errors   PD302 a run exists with other input · PD409 the owner was taken for dead
--
-- Plans    Sessions are opened with settings that make every plan go by keys and be made once
--          (connection.py): a plan made for empty tables must not read whole ones later. Sessions of a
--          pooler have their own settings, so every verb sets them for its transaction if need be. Not
--          by SET clauses of the functions: those cost 20 us each at every call. Where a statement
--          must not go by owners, it says abs(owner): no index fits that. Right after statistics were
--          taken while nobody owned anything, all runs of an owner look like a short list. And
--          where it goes by an owner, it says owner <> 0 too: with a parameter alone, the
--          planner can't know that the index, which is only of owned runs, has them all.

CREATE FUNCTION perdure.clock(at float8) RETURNS float8 LANGUAGE sql VOLATILE
RETURN coalesce(at, extract(epoch FROM clock_timestamp())::float8);

CREATE FUNCTION perdure.keep_plans() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(s.name, s.value, true) FROM (VALUES
        ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'),
        ('enable_bitmapscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'),
        ('jit', 'off')) AS s (name, value);
END $$;

-- The gate between mail and new runs: a start holds it shared, what puts mail for a run that is not
-- there holds it alone. Else each could miss the other's rows, and the mail would wait for ever.
CREATE FUNCTION perdure.hold_gate(alone boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(1348825156, 0);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1348825156, 0);
    END IF;
END $$;

-- take_turns: the fence, the log and the consumed rows of turns, one turn of each run, sorted by id.
-- Returns the positions (from 1) of the turns that won, and the numbers of their runs. The list of
-- snapshots may be shorter than the others.
CREATE FUNCTION perdure.take_turns(
    at float8, ids text[], epochs bigint[], seqs bigint[], kinds text[], hashes bytea[],
    payloads bytea[], notes text[], statuses text[], details text[], wakes float8[], taken bigint[],
    snapshots bytea[], rows_of bigint[], rows bigint[], OUT won bigint[], OUT nums bigint[], OUT clock float8
) LANGUAGE plpgsql AS $$
DECLARE
    gone bigint;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    clock := coalesce(at, extract(epoch FROM clock_timestamp())::float8);
    -- Epoch and seq together are the fence. The owner is part of it too: a run that was released, or
    -- freed from a worker taken for dead, belongs to nobody.
    WITH fenced AS (
        UPDATE perdure.runs r
        SET seq = g.seq, status = g.status::perdure.state, detail = g.detail,
            deaths = CASE WHEN g.kind = 'mark' THEN r.deaths ELSE 0 END,
            wake_at = CASE WHEN g.status IN ('completed', 'failed', 'cancelled') THEN NULL ELSE g.wake END,
            owner = CASE WHEN g.status IN ('completed', 'failed', 'cancelled') THEN 0 ELSE r.owner END,
            ready = g.status = 'ready'
                OR (r.ready AND r.waiting > g.taken AND g.status NOT IN ('completed', 'failed', 'cancelled')),
            waiting = CASE WHEN g.status IN ('completed', 'failed', 'cancelled') THEN 0 ELSE r.waiting - g.taken END
        FROM unnest(ids, epochs, seqs, kinds, hashes, payloads, notes, statuses, details, wakes, taken, snapshots)
            WITH ORDINALITY AS g (id, epoch, seq, kind, hash, payload, note, status, detail, wake, taken, snapshot, n)
        WHERE r.id = g.id AND r.epoch = g.epoch AND r.seq = g.seq - 1 AND abs(r.owner) > 0
        RETURNING g.n, r.num, g.seq, g.kind, g.hash, g.payload, g.note, g.snapshot
    ), logged AS (
        -- In the order of the key: first entries of new runs fill the index's pages from left to right.
        INSERT INTO perdure.log (run, seq, at, snapshot, payload, hash, kind, note)
        SELECT f.num, f.seq, take_turns.clock, f.snapshot, f.payload, f.hash, nullif(f.kind, 'turn'), nullif(f.note, '')
        FROM fenced f ORDER BY f.num
    )
    SELECT array_agg(f.n), array_agg(f.num) INTO won, nums FROM fenced f;
    IF rows_of <> '{}' THEN
        WITH deleted AS (
            DELETE FROM perdure.inbox i
            USING unnest(won, nums) AS w (n, num), unnest(rows_of, rows) AS c (n, num)
            WHERE c.n = w.n AND i.run = w.num AND i.num = c.num
            RETURNING i.run
        )
        SELECT count(*) INTO gone FROM deleted;
        IF gone <> (SELECT count(*) FROM unnest(rows_of) AS c (n) WHERE c.n = ANY (won)) THEN
            -- A turn named rows that are not its run's: count what is there.
            UPDATE perdure.runs r
            SET waiting = (SELECT count(*) FROM perdure.inbox i WHERE i.run = r.num),
                ready = r.status = 'ready' OR r.ready OR EXISTS (SELECT FROM perdure.inbox i WHERE i.run = r.num)
            WHERE r.num = ANY (nums) AND r.owner <> 0;
        END IF;
    END IF;
END $$;

-- deliver: one row for the inbox of a run whose row the caller has locked.
CREATE FUNCTION perdure.deliver(
    clock float8, num bigint, kind text, message_id text, sender text, payload bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO perdure.inbox (run, at, kind, message_id, sender, payload)
    VALUES (deliver.num, clock, deliver.kind, deliver.message_id, deliver.sender, deliver.payload);
    UPDATE perdure.runs r SET ready = true, waiting = r.waiting + 1 WHERE r.num = deliver.num;
END $$;

-- send: one message; `sent` is false if it was dropped or is a duplicate, `touched` the receiver's owner.
CREATE FUNCTION perdure.send(
    at float8, receiver text, kind text, message_id text, sender text, payload bytea,
    OUT sent boolean, OUT touched integer
) LANGUAGE plpgsql AS $$
DECLARE
    clock float8 := perdure.clock(at);
    run record;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    sent := false;
    SELECT r.num, r.status, r.owner INTO run FROM perdure.runs r WHERE r.id = receiver FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM perdure.hold_gate(true);
        SELECT r.num, r.status, r.owner INTO run FROM perdure.runs r WHERE r.id = receiver FOR NO KEY UPDATE;
    END IF;
    IF NOT FOUND THEN
        sent := send.message_id = '' OR NOT EXISTS (
            SELECT FROM perdure.mail m
            WHERE m.run_id = receiver AND m.sender = send.sender AND m.message_id = send.message_id);
        IF sent THEN
            INSERT INTO perdure.mail (run_id, at, kind, message_id, sender, payload)
            VALUES (receiver, clock, send.kind, send.message_id, send.sender, send.payload);
        END IF;
        RETURN;
    END IF;
    IF run.status IN ('completed', 'failed', 'cancelled') THEN
        RETURN;
    END IF;
    IF send.message_id <> '' THEN
        INSERT INTO perdure.seen VALUES (run.num, send.sender, send.message_id, clock) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    PERFORM perdure.deliver(clock, run.num, send.kind, send.message_id, send.sender, send.payload);
    sent := true;
    touched := run.owner;
END $$;

-- insert_runs: new runs with the mail that waited for them; returns the positions of those that did
-- not exist. Numbers are given in the order of the list, rows are inserted in the order of ids.
CREATE FUNCTION perdure.insert_runs(
    clock float8, ids text[], names text[], programs text[], arguments bytea[], parents text[]
) RETURNS bigint[] LANGUAGE plpgsql SET enable_hashjoin = on SET enable_nestloop = off AS $$ -- the lists can be long, and their joins must not be quadratic
DECLARE
    small constant integer := 128;
    made bigint[];
    post text[];
BEGIN
    INSERT INTO perdure.codes (name, program)
    SELECT DISTINCT g.name, g.program FROM unnest(names, programs) AS g (name, program)
    WHERE NOT EXISTS (SELECT FROM perdure.codes c WHERE c.name = g.name AND c.program = g.program)
    ON CONFLICT DO NOTHING;
    WITH given AS MATERIALIZED (
        SELECT nextval('perdure.runs_num_seq') AS num, g.*,
            (SELECT c.num FROM perdure.codes c WHERE c.name = g.name AND c.program = g.program) AS code
        FROM unnest(ids, names, programs, arguments, parents)
            WITH ORDINALITY AS g (id, name, program, arguments, parent, n)
    ), inserted AS (
        INSERT INTO perdure.runs (num, id, code, arguments, parent, created_at, status)
        SELECT g.num, g.id, g.code, CASE WHEN length(g.arguments) <= small THEN g.arguments ELSE '' END,
            g.parent, clock, 'ready'
        FROM given g ORDER BY g.id COLLATE "C", g.n
        ON CONFLICT (id) DO NOTHING RETURNING num
    ), data AS (
        INSERT INTO perdure.run_data (run, arguments)
        SELECT g.num, g.arguments FROM given g JOIN inserted i ON i.num = g.num
        WHERE length(g.arguments) > small OR g.arguments = ''
    )
    SELECT coalesce(array_agg(g.n), '{}') INTO made FROM given g JOIN inserted i ON i.num = g.num;
    SELECT array_agg(DISTINCT m.run_id) INTO post FROM perdure.mail m WHERE m.run_id = ANY (ids);
    IF post IS NOT NULL THEN
        PERFORM perdure.move_mail(post);
    END IF;
    RETURN made;
END $$;

CREATE FUNCTION perdure.move_mail(post text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO perdure.inbox (run, at, kind, message_id, sender, payload)
    SELECT r.num, m.at, m.kind, m.message_id, m.sender, m.payload
    FROM perdure.mail m JOIN perdure.runs r ON r.id = m.run_id WHERE m.run_id = ANY (post) ORDER BY m.num;
    INSERT INTO perdure.seen
    SELECT r.num, m.sender, m.message_id, m.at
    FROM perdure.mail m JOIN perdure.runs r ON r.id = m.run_id
    WHERE m.run_id = ANY (post) AND m.message_id <> '' ON CONFLICT DO NOTHING;
    UPDATE perdure.runs r SET waiting = (SELECT count(*) FROM perdure.inbox i WHERE i.run = r.num)
    WHERE r.id = ANY (post);
    DELETE FROM perdure.mail m WHERE m.run_id = ANY (post);
END $$;

-- start: new runs from outside. Raises PD302, with the run's id, name and what differs.
CREATE FUNCTION perdure.start(
    at float8, ids text[], names text[], programs text[], arguments bytea[], parents text[],
    OUT made bigint[], OUT clock float8
) LANGUAGE plpgsql AS $$
DECLARE
    other record;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    clock := perdure.clock(at);
    PERFORM perdure.hold_gate(false);
    made := perdure.insert_runs(clock, ids, names, programs, arguments, parents);
    IF cardinality(made) < cardinality(ids) THEN
        SELECT g.id, r.name, r.name = g.name AS same_name INTO other
        FROM unnest(ids, names, arguments) AS g (id, name, arguments), LATERAL (
            SELECT r.name, CASE WHEN r.arguments = '' THEN d.arguments ELSE r.arguments END AS arguments
            FROM perdure.described r LEFT JOIN perdure.run_data d ON d.run = r.num
            WHERE r.id = g.id OFFSET 0
        ) AS r
        WHERE r.name <> g.name OR r.arguments <> g.arguments LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PD302', MESSAGE = format(
                'run %s exists already with another %s (%s)', other.id,
                CASE WHEN other.same_name THEN 'arguments' ELSE 'program' END, other.name);
        END IF;
    END IF;
END $$;

-- watch: a run wants to hear of another's end; it hears of it at once if that is past.
CREATE FUNCTION perdure.watch(clock float8, watcher bigint, watched text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    run record;
BEGIN
    SELECT r.status::text, coalesce(d.result, '') AS result INTO run
    FROM perdure.runs r LEFT JOIN perdure.run_data d ON d.run = r.num
    WHERE r.id = watched AND r.status IN ('completed', 'failed', 'cancelled');
    IF FOUND THEN
        PERFORM perdure.deliver(clock, watcher, 'finished', run.status, watched, run.result);
    ELSE
        INSERT INTO perdure.watchers VALUES (watched, watcher) ON CONFLICT DO NOTHING;
    END IF;
END $$;

-- finish: a run has ended: nothing waits for it, and who watched it hears of it. Returns their owners.
CREATE FUNCTION perdure.finish(clock float8, num bigint, id text) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
    touched integer[] := '{}';
    run record;
    told record;
BEGIN
    DELETE FROM perdure.inbox i WHERE i.run = finish.num;
    DELETE FROM perdure.watchers w WHERE w.watcher = finish.num;
    IF EXISTS (SELECT FROM perdure.watchers w WHERE w.run_id = finish.id) THEN
        SELECT r.status::text, coalesce(d.result, '') AS result INTO run
        FROM perdure.runs r LEFT JOIN perdure.run_data d ON d.run = r.num WHERE r.num = finish.num;
        FOR told IN
            SELECT r.num, r.owner FROM perdure.runs r
            WHERE r.num = ANY (ARRAY(SELECT w.watcher FROM perdure.watchers w WHERE w.run_id = finish.id))
            ORDER BY r.id FOR NO KEY UPDATE
        LOOP
            PERFORM perdure.deliver(clock, told.num, 'finished', run.status, finish.id, run.result);
            touched := touched || told.owner;
        END LOOP;
        DELETE FROM perdure.watchers w WHERE w.run_id = finish.id;
    END IF;
    RETURN touched;
END $$;

-- compact: the snapshot at `seq` replaces the chain since the one before: the retention is applied.
CREATE FUNCTION perdure.compact(
    num bigint, seq bigint, headers bigint, output_bytes bigint, log_lines bigint, small_bytes bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Backwards through the chain, which is not long.
    before bigint := coalesce((
        SELECT l.seq FROM perdure.log l
        WHERE l.run = compact.num AND l.seq < compact.seq AND l.snapshot IS NOT NULL
        ORDER BY l.seq DESC LIMIT 1), 0);
BEGIN
    WITH moved AS (
        DELETE FROM perdure.log l WHERE l.run = compact.num AND l.seq < before
            AND (length(l.payload) > small_bytes OR l.seq <= compact.seq - headers)
        RETURNING l.*
    )
    INSERT INTO perdure.history (run, seq, at, hash, payload_hash, kind, note)
    SELECT m.run, m.seq, m.at, m.hash, sha256(m.payload), coalesce(m.kind, 'turn'), m.note
    FROM moved m WHERE m.seq > compact.seq - headers;
    UPDATE perdure.log l SET snapshot = NULL
    WHERE l.run = compact.num AND l.seq < before AND l.snapshot IS NOT NULL;
    DELETE FROM perdure.history h WHERE h.run = compact.num AND h.seq <= compact.seq - headers;
    DELETE FROM perdure.outputs o WHERE o.run = compact.num AND o.seq <= (
        SELECT k.seq FROM (
            SELECT p.seq, sum(octet_length(p.text)) OVER (ORDER BY p.seq DESC) - octet_length(p.text) AS newer
            FROM perdure.outputs p WHERE p.run = compact.num
        ) k WHERE k.newer >= output_bytes ORDER BY k.seq DESC LIMIT 1);
    DELETE FROM perdure.log_lines x WHERE x.run = compact.num AND x.num <= (
        SELECT y.num FROM perdure.log_lines y WHERE y.run = compact.num
        ORDER BY y.num DESC OFFSET compact.log_lines LIMIT 1);
END $$;

-- commit: as take_turns, with all else that turns can bring. Arrays named x_of say by positions which
-- turn each element belongs to; what belongs to a turn that lost is left out. `touched` are the owners
-- of runs that were given something, 0 for nobody.
CREATE FUNCTION perdure.commit(
    at float8, ids text[], epochs bigint[], seqs bigint[], kinds text[], hashes bytea[],
    payloads bytea[], notes text[], statuses text[], details text[], wakes float8[], taken bigint[],
    snapshots bytea[], rows_of bigint[], rows bigint[],
    results_of bigint[], results bytea[], outputs_of bigint[], outputs text[],
    lines_of bigint[], levels text[], messages text[], fields text[],
    headers bigint, output_bytes bigint, log_lines bigint, small_bytes bigint,
    starts_of bigint[], start_ids text[], start_names text[], start_programs text[], start_arguments bytea[],
    start_parents text[],
    sends_of bigint[], send_to text[], send_kinds text[], send_ids text[], senders text[], send_payloads bytea[],
    watches_of bigint[], watched text[],
    OUT won bigint[], OUT touched integer[], OUT clock float8
) LANGUAGE plpgsql AS $$
DECLARE
    nums bigint[];
    finals text[];
    mine bigint[];
    one record;
    sent record;
    before bigint;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    touched := '{}';
    IF starts_of <> '{}' OR sends_of <> '{}' THEN
        IF EXISTS (SELECT FROM unnest(send_to) AS t (id) WHERE NOT EXISTS (
                SELECT FROM perdure.runs r WHERE r.id = t.id)) THEN
            PERFORM perdure.hold_gate(true);
        ELSIF starts_of <> '{}' THEN
            PERFORM perdure.hold_gate(false);
        END IF;
    END IF;
    finals := ARRAY(SELECT i.id FROM unnest(ids, statuses) AS i (id, status)
                    WHERE i.status IN ('completed', 'failed', 'cancelled'));
    IF sends_of <> '{}' OR watches_of <> '{}'
            OR EXISTS (SELECT FROM perdure.watchers w WHERE w.run_id = ANY (finals)) THEN
        PERFORM FROM perdure.runs r
        WHERE r.id = ANY (ids || send_to || watched || ARRAY(
            SELECT x.id FROM perdure.runs x
            WHERE x.num = ANY (ARRAY(SELECT w.watcher FROM perdure.watchers w WHERE w.run_id = ANY (finals)))))
        ORDER BY r.id FOR NO KEY UPDATE;
    END IF;

    SELECT t.won, t.nums, t.clock INTO won, nums, clock
    FROM perdure.take_turns(at, ids, epochs, seqs, kinds, hashes, payloads, notes, statuses, details,
                            wakes, taken, snapshots, rows_of, rows) t;
    IF won IS NULL THEN
        RETURN;
    END IF;
    -- The numbers of the runs by the positions of their turns; NULL for those that lost.
    mine := array_fill(NULL::bigint, ARRAY[cardinality(ids)]);
    FOR n IN 1 .. cardinality(won) LOOP
        mine[won[n]] := nums[n];
    END LOOP;

    IF results_of <> '{}' THEN
        INSERT INTO perdure.run_data (run, result)
        SELECT mine[g.n], g.result FROM unnest(results_of, results) AS g (n, result)
        WHERE mine[g.n] IS NOT NULL
        ON CONFLICT (run) DO UPDATE SET result = excluded.result;
    END IF;
    IF outputs_of <> '{}' THEN
        INSERT INTO perdure.outputs
        SELECT mine[g.n], seqs[g.n], g.text FROM unnest(outputs_of, outputs) AS g (n, text)
        WHERE mine[g.n] IS NOT NULL;
    END IF;
    IF lines_of <> '{}' THEN
        INSERT INTO perdure.log_lines (run, seq, at, level, message, fields)
        SELECT mine[g.n], seqs[g.n], commit.clock, g.level, g.message, g.fields
        FROM unnest(lines_of, levels, messages, fields) WITH ORDINALITY AS g (n, level, message, fields, o)
        WHERE mine[g.n] IS NOT NULL ORDER BY g.o;
    END IF;
    IF starts_of <> '{}' THEN
        PERFORM perdure.insert_runs(
            commit.clock, array_agg(g.id ORDER BY g.o), array_agg(g.name ORDER BY g.o),
            array_agg(g.program ORDER BY g.o), array_agg(g.arguments ORDER BY g.o), array_agg(g.parent ORDER BY g.o))
        FROM unnest(starts_of, start_ids, start_names, start_programs, start_arguments, start_parents)
            WITH ORDINALITY AS g (n, id, name, program, arguments, parent, o)
        WHERE mine[g.n] IS NOT NULL HAVING count(*) > 0;
        touched := touched || 0;
    END IF;
    IF sends_of <> '{}' THEN
        FOR one IN SELECT * FROM unnest(sends_of, send_to, send_kinds, send_ids, senders, send_payloads)
                AS g (n, id, kind, message_id, sender, payload) WHERE mine[g.n] IS NOT NULL LOOP
            SELECT * INTO sent
            FROM perdure.send(commit.clock, one.id, one.kind, one.message_id, one.sender, one.payload);
            IF sent.touched IS NOT NULL THEN
                touched := touched || sent.touched;
            END IF;
        END LOOP;
    END IF;
    IF watches_of <> '{}' THEN
        PERFORM perdure.watch(commit.clock, mine[g.n], g.id)
        FROM unnest(watches_of, watched) AS g (n, id) WHERE mine[g.n] IS NOT NULL;
    END IF;
    IF snapshots <> '{}' THEN
        FOR one IN SELECT mine[g.n] AS num, seqs[g.n] AS seq
                FROM unnest(snapshots) WITH ORDINALITY AS g (snapshot, n)
                WHERE g.snapshot IS NOT NULL AND mine[g.n] IS NOT NULL AND seqs[g.n] > 1 LOOP
            PERFORM perdure.compact(one.num, one.seq, headers, output_bytes, log_lines, small_bytes);
        END LOOP;
    END IF;
    FOR one IN SELECT i.id, mine[i.n] AS num FROM unnest(ids, statuses) WITH ORDINALITY AS i (id, status, n)
            WHERE mine[i.n] IS NOT NULL AND i.status IN ('completed', 'failed', 'cancelled') LOOP
        touched := touched || perdure.finish(commit.clock, one.num, one.id);
    END LOOP;
END $$;

-- claim: take over runs that have something to do, and at most one on probation.
CREATE FUNCTION perdure.claim(at float8, owner integer, most bigint, deaths_max integer, alone integer)
RETURNS TABLE (id text, epoch bigint, deaths smallint) LANGUAGE plpgsql AS $$
DECLARE
    clock float8 := perdure.clock(at);
    free bigint[];
    suspect record;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    free := ARRAY(
        SELECT r.num FROM perdure.runs r
        WHERE r.ready AND r.owner = 0 AND r.quarantined = '' AND r.deaths = 0
        ORDER BY r.num LIMIT most FOR NO KEY UPDATE SKIP LOCKED);
    IF cardinality(free) < most THEN
        free := free || ARRAY(
            SELECT r.num FROM perdure.runs r
            WHERE r.wake_at <= clock AND r.owner = 0 AND r.quarantined = '' AND r.deaths = 0 AND NOT r.ready
            ORDER BY r.wake_at LIMIT most - cardinality(free) FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    IF cardinality(free) > 0 THEN
        PERFORM perdure.check_owner(claim.owner);
        RETURN QUERY
        UPDATE perdure.runs r SET owner = claim.owner, ready = false, epoch = r.epoch + 1
        WHERE r.num = ANY (free) RETURNING r.id, r.epoch, r.deaths;
    END IF;
    IF cardinality(free) < most AND EXISTS (
            SELECT FROM perdure.runs r WHERE r.deaths > 0 AND abs(r.owner) = 0 AND r.quarantined = ''
            AND (r.ready OR r.wake_at <= clock)) THEN
        PERFORM perdure.check_owner(claim.owner);
        FOR suspect IN
            SELECT r.num FROM perdure.runs r
            WHERE r.deaths > 0 AND abs(r.owner) = 0 AND r.quarantined = '' AND (r.ready OR r.wake_at <= clock)
            ORDER BY r.num FOR NO KEY UPDATE SKIP LOCKED
        LOOP
            RETURN QUERY SELECT * FROM perdure.try_suspect(suspect.num, claim.owner, deaths_max, alone);
            EXIT WHEN FOUND OR perdure.has_suspect(claim.owner, alone);
        END LOOP;
    END IF;
END $$;

CREATE FUNCTION perdure.check_owner(owner integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Locked, so that nobody frees this owner's runs while it takes one more.
    PERFORM FROM perdure.owners o WHERE o.num = check_owner.owner FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PD409', MESSAGE = 'the owner was taken for dead';
    END IF;
END $$;

CREATE FUNCTION perdure.has_suspect(owner integer, alone integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM perdure.runs r
        WHERE r.deaths > 0 AND r.deaths >= alone AND abs(r.owner) = has_suspect.owner);
END $$;

-- try_suspect: take a run on probation whose row the caller has locked, or quarantine it if it has cost
-- too many lives, or nothing if the owner has another such run.
CREATE FUNCTION perdure.try_suspect(num bigint, owner integer, deaths_max integer, alone integer)
RETURNS TABLE (id text, epoch bigint, deaths smallint) LANGUAGE plpgsql AS $$
BEGIN
    IF perdure.has_suspect(try_suspect.owner, alone) THEN
        RETURN;
    END IF;
    UPDATE perdure.runs r
    SET quarantined = format('its worker died %s times while executing it', r.deaths),
        detail = format('its worker died %s times while executing it', r.deaths),
        status = 'parked', owner = 0, ready = false, epoch = r.epoch + 1, deaths = 0
    WHERE r.num = try_suspect.num AND r.deaths >= deaths_max;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    UPDATE perdure.runs r
    SET owner = try_suspect.owner, ready = false, epoch = r.epoch + 1, deaths = (r.deaths + 1)::smallint
    WHERE r.num = try_suspect.num RETURNING r.id, r.epoch, r.deaths;
END $$;

CREATE FUNCTION perdure.claim_one(run_id text, owner integer, deaths_max integer, alone integer)
RETURNS TABLE (id text, epoch bigint, deaths smallint) LANGUAGE plpgsql AS $$
DECLARE
    run record;
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    PERFORM perdure.check_owner(claim_one.owner);
    SELECT r.* INTO run FROM perdure.runs r WHERE r.id = run_id FOR NO KEY UPDATE;
    IF NOT FOUND OR run.status IN ('completed', 'failed', 'cancelled') OR run.quarantined <> ''
            OR run.owner NOT IN (0, claim_one.owner) THEN
        RETURN;
    END IF;
    IF run.owner = claim_one.owner THEN
        RETURN QUERY SELECT run.id, run.epoch, run.deaths;
    ELSIF run.deaths > 0 THEN
        RETURN QUERY SELECT * FROM perdure.try_suspect(run.num, claim_one.owner, deaths_max, alone);
    ELSE
        RETURN QUERY
        UPDATE perdure.runs r SET owner = claim_one.owner, ready = false, epoch = r.epoch + 1
        WHERE r.num = run.num RETURNING r.id, r.epoch, r.deaths;
    END IF;
END $$;

-- release: give runs back, sorted by id; returns the positions of those that were still the caller's. A
-- death that was counted with the claim is taken back: its owner lives.
CREATE FUNCTION perdure.release(ids text[], epochs bigint[], readies boolean[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    released bigint[];
BEGIN
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    WITH done AS (
        UPDATE perdure.runs r
        SET owner = 0, ready = g.ready OR r.status = 'ready' OR r.waiting > 0,
            deaths = greatest(r.deaths - 1, 0)::smallint
        FROM unnest(ids, epochs, readies) WITH ORDINALITY AS g (id, epoch, ready, n)
        WHERE r.id = g.id AND r.epoch = g.epoch AND abs(r.owner) > 0
        RETURNING g.n
    )
    SELECT coalesce(array_agg(n), '{}') INTO released FROM done;
    RETURN released;
END $$;

-- register: a new owner. With `locked`, this session holds a shared lock that says that it lives.
CREATE FUNCTION perdure.register(at float8, name text, locked boolean) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    clock float8 := perdure.clock(at);
    owner integer;
BEGIN
    INSERT INTO perdure.owners (name, started_at, heartbeat, locked_at)
    VALUES (register.name, clock, clock, CASE WHEN locked THEN clock_timestamp() END)
    RETURNING num INTO owner;
    -- Locked before the row is committed, or another worker could take the owner for dead.
    IF locked THEN
        PERFORM pg_advisory_lock_shared(1348825157, owner);
    END IF;
    RETURN owner;
END $$;

-- relock: a new session of a living owner takes its lock. False: the owner was taken for dead. Its row is
-- locked first, as reap does: so either it is found dead here, or found alive there.
CREATE FUNCTION perdure.relock(owner integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM perdure.owners o WHERE o.num = owner FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_lock_shared(1348825157, owner);
    UPDATE perdure.owners o SET locked_at = clock_timestamp() WHERE o.num = owner;
    RETURN true;
END $$;

-- reap: free the runs of dead owners; returns how many. Dead is whose lease ran out, or whose lock nobody
-- holds; but a lock that was taken before this server started says nothing: all sessions ended then, and
-- living workers come back. The caller says what it expects of the clock: if that was set since its last
-- look, by more than `tolerance`, no lease has run out for now.
CREATE FUNCTION perdure.reap(
    at float8, me integer, lease_s float8, expected float8, tolerance float8, OUT freed bigint, OUT clock float8
) LANGUAGE plpgsql AS $$
DECLARE
    one record;
    count bigint;
BEGIN
    clock := perdure.clock(at);
    freed := 0;
    IF abs(clock - expected) > tolerance THEN
        lease_s := 'Infinity';
    END IF;
    IF current_setting('enable_hashjoin') = 'on' THEN
        PERFORM perdure.keep_plans();
    END IF;
    FOR one IN SELECT o.num, o.heartbeat, o.locked_at FROM perdure.owners o WHERE NOT EXISTS (
            SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 1348825157
            AND l.objid = o.num::oid AND l.objsubid = 2 AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
            OR abs(clock - o.heartbeat) > lease_s
    LOOP
        CONTINUE WHEN abs(clock - one.heartbeat) <= lease_s AND (
            one.num = me OR one.locked_at IS NULL OR one.locked_at < pg_postmaster_start_time());
        PERFORM FROM perdure.owners o WHERE o.num = one.num
            AND o.heartbeat = one.heartbeat AND o.locked_at IS NOT DISTINCT FROM one.locked_at
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE perdure.runs r SET owner = 0, ready = true, deaths = greatest(r.deaths, 1)::smallint
        WHERE r.num = ANY (ARRAY(
            SELECT x.num FROM perdure.runs x WHERE x.owner = one.num AND x.owner <> 0 ORDER BY x.id FOR NO KEY UPDATE));
        GET DIAGNOSTICS count = ROW_COUNT;
        freed := freed + count;
        DELETE FROM perdure.owners o WHERE o.num = one.num;
    END LOOP;
END $$;
