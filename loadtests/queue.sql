-- What `opsload queue` asks of the product's tables: the only place of the harness that knows them.
-- Its own schema, beside the product's. Times are microseconds since 1970, by the database's clock.
-- Every function answers in one column, lists as an array, so that a call needs no FROM.

CREATE SCHEMA load;

CREATE FUNCTION load.micros(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;

-- How many of these runs have not ended; while the last of them has not, only that it has not.
CREATE FUNCTION load.open(first bigint, last bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM run WHERE id = last) THEN 1
        ELSE (SELECT count(*) FROM run WHERE id BETWEEN first AND last) END
$$;

-- How many there are, and when the first was enqueued, the last one was due, the first and the
-- last began, the last ended.
CREATE FUNCTION load.span(first bigint, last bigint) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[count(*), load.micros(min(enqueued_at)), load.micros(max(due_at)),
                 load.micros(min(started_at)), load.micros(max(started_at)),
                 load.micros(max(finished_at))]
    FROM run_any WHERE id BETWEEN first AND last
$$;

-- Of each run when it was enqueued and when it was claimed.
CREATE FUNCTION load.waits(first bigint, last bigint) RETURNS SETOF bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[load.micros(enqueued_at), load.micros(started_at)] FROM run_any
    WHERE id BETWEEN first AND last AND started_at IS NOT NULL ORDER BY id
$$;

-- How many runs ended in each interval of so many seconds since `since`, by its number.
CREATE FUNCTION load.ended(first bigint, since bigint, seconds bigint) RETURNS SETOF bigint[]
LANGUAGE sql STABLE AS $$
    SELECT ARRAY[t.n, count(*)]
    FROM run_any CROSS JOIN LATERAL (
        SELECT (load.micros(finished_at) - since) / (seconds * 1000000) AS n) AS t
    WHERE id >= first AND finished_at IS NOT NULL GROUP BY t.n ORDER BY t.n
$$;

-- Notes which transaction enqueues a run, so that its commit's time can be told afterwards.
CREATE TABLE load.enqueued (run_id bigint NOT NULL, xid xid NOT NULL);
CREATE FUNCTION load.note_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO load.enqueued VALUES (NEW.id, pg_current_xact_id()::xid);
    RETURN NULL;
END $$;
CREATE FUNCTION load.note_enqueues() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TRIGGER load_enqueue AFTER INSERT ON run FOR EACH ROW EXECUTE FUNCTION load.note_enqueue();
END $$;
-- Of each run when the commit of its enqueue was, when it was claimed, and when the commit of its
-- end was. Needs track_commit_timestamp.
CREATE FUNCTION load.pickups(first bigint, last bigint) RETURNS SETOF bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[load.micros(pg_xact_commit_timestamp(e.xid)), load.micros(r.started_at),
                 load.micros(pg_xact_commit_timestamp(r.xmin))]
    FROM load.enqueued e JOIN run_any r ON r.id = e.run_id
    WHERE r.id BETWEEN first AND last ORDER BY r.id
$$;

-- Bytes of WAL so far, transactions that wrote, and all transactions; the last are told by backends
-- up to a second late.
CREATE FUNCTION load.work() RETURNS bigint[] LANGUAGE sql AS $$
    SELECT ARRAY[(pg_current_wal_insert_lsn() - '0/0')::bigint,
                 pg_snapshot_xmax(pg_current_snapshot())::text::bigint, xact_commit + xact_rollback]
    FROM pg_stat_database WHERE datname = current_database()
$$;
-- Statements so far, when the server counts them.
CREATE FUNCTION load.statements() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT sum(calls)::bigint FROM pg_stat_statements WHERE query NOT LIKE '%load.%');
EXCEPTION WHEN undefined_table OR object_not_in_prerequisite_state THEN
    RETURN -1;
END $$;
CREATE FUNCTION load.count_statements() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
END $$;

-- The statements that took the server most of its time, a line each.
CREATE FUNCTION load.dearest() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT format('%s %% of the server''s time: %s calls, %s ms each: %s',
        round((100 * total_exec_time / sum(total_exec_time) OVER ())::numeric, 1), calls,
        round(mean_exec_time::numeric, 3), left(regexp_replace(query, '\s+', ' ', 'g'), 90))
    FROM pg_stat_statements WHERE query NOT LIKE '%load.%' ORDER BY total_exec_time DESC LIMIT 12;
END $$;

-- Bytes of the product's tables, of their indexes, and dead rows.
CREATE FUNCTION load.bulk() RETURNS bigint[] LANGUAGE sql AS $$
    SELECT ARRAY[sum(pg_table_size(relid))::bigint, sum(pg_indexes_size(relid))::bigint,
                 sum(n_dead_tup)::bigint]
    FROM pg_stat_user_tables WHERE schemaname = 'public'
$$;

-- Runs that are queued, and runs that have ever begun.
CREATE FUNCTION load.waiting(first bigint, last bigint) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[count(*) FILTER (WHERE status = 'queued'), count(started_at)]
    FROM run_any WHERE id BETWEEN first AND last
$$;

-- What is wrong once everything has ended: a sentence each. The lanes' logs are the witnesses; a
-- chunk of them is one commit.
CREATE FUNCTION load.breaches(expected bigint) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE line ON COMMIT DROP AS
    SELECT c.lane_id, c.first_seq AS chunk, e.seq, e.type, e.run, e.step
    FROM run_events c
    CROSS JOIN LATERAL string_to_table(rtrim(convert_from(c.bytes, 'UTF8'), E'\n'), E'\n') AS l (text)
    CROSS JOIN LATERAL json_to_record(l.text::json) AS e (seq bigint, type text, run text, step text);
    ANALYZE line;
    RETURN QUERY
    SELECT format('%s runs are there instead of %s', count(*), expected)
    FROM run_any HAVING count(*) <> expected
    UNION ALL
    SELECT format('%s runs are %s', count(*), status) FROM run_any WHERE status <> 'succeeded' GROUP BY status
    UNION ALL
    SELECT format('%s events of lane %s have not the number that is due', count(*), lane_id)
    FROM (SELECT lane_id, seq, row_number() OVER (PARTITION BY lane_id ORDER BY chunk, seq) AS due FROM line) AS o
    WHERE seq <> due GROUP BY lane_id
    UNION ALL
    SELECT format('%s runs have events instead of %s', count(DISTINCT run), expected)
    FROM line HAVING count(DISTINCT run) <> expected
    UNION ALL
    SELECT format('%s runs began or ended other than once', count(*))
    FROM (SELECT FROM line GROUP BY run
          HAVING count(*) FILTER (WHERE type = 'run.started') <> 1
          OR count(*) FILTER (WHERE type IN
             ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out')) <> 1) AS o
    HAVING count(*) > 0
    UNION ALL
    SELECT format('%s steps of %s succeeded, the plans have %s', count(DISTINCT (run, step)), count(*), s.steps)
    FROM line, (SELECT sum(json_array_length(p.body::json -> 'steps')) AS steps
                FROM run_any r JOIN plan p ON p.digest = r.plan_digest) AS s
    WHERE type = 'step.succeeded' GROUP BY s.steps
    HAVING count(*) <> s.steps OR count(DISTINCT (run, step)) <> s.steps
    UNION ALL
    SELECT format('the journal has %s results, the plans have %s steps', j.n, s.steps)
    FROM (SELECT count(*) AS n FROM step_any WHERE state = 'succeeded') AS j,
         (SELECT sum(json_array_length(p.body::json -> 'steps')) AS steps
          FROM run_any r JOIN plan p ON p.digest = r.plan_digest) AS s
    WHERE j.n <> s.steps
    UNION ALL
    SELECT format('lane %s: %s runs began before it was their turn', o.lane_id, count(*))
    FROM (SELECT lane_id, row_number() OVER (PARTITION BY lane_id, priority ORDER BY id) AS turn,
                 row_number() OVER (PARTITION BY lane_id, priority ORDER BY first_seq) AS begun
          FROM run_any) AS o JOIN lane l ON l.id = o.lane_id
    WHERE o.begun < o.turn - (l.width - 1) GROUP BY o.lane_id
    UNION ALL
    SELECT format('lane %s had %s runs at once, its width is %s', o.lane_id, max(o.n), l.width)
    FROM (SELECT lane_id, sum(CASE WHEN type = 'run.started' THEN 1
                                   WHEN type LIKE 'run.%' THEN -1 ELSE 0 END)
                          OVER (PARTITION BY lane_id ORDER BY seq) AS n FROM line) AS o
    JOIN lane l ON l.id = o.lane_id GROUP BY o.lane_id, l.width HAVING max(o.n) > l.width;
END $$;

-- How many steps' results were not on record before the next step of their run began.
CREATE FUNCTION load.together() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(n - 1), 0)::bigint FROM (
        SELECT count(*) AS n FROM run_events c
        CROSS JOIN LATERAL string_to_table(rtrim(convert_from(c.bytes, 'UTF8'), E'\n'), E'\n') AS l (text)
        CROSS JOIN LATERAL json_to_record(l.text::json) AS e (type text, run text)
        WHERE e.type = 'step.succeeded' GROUP BY c.lane_id, c.first_seq, e.run HAVING count(*) > 1) AS o
$$;
