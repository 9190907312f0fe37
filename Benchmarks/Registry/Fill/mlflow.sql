-- Versions `first` to `last` of the benchmark in MLflow's tables: what creating a run, logging its two metrics and creating
-- a version of it with its tags would have left there. The history of metrics is left out: no call that is measured reads
-- it. Values are those of ours.sql.

CREATE FUNCTION pg_temp.draw(number bigint, seed bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT hashint8extended($1, $2) & 1048575';
CREATE FUNCTION pg_temp.name(number bigint, models bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$SELECT 'model-' || lpad(($1 % $2)::text, 5, '0')$$;
-- The rows fit each other: looking for each other's would only take time.
SET session_replication_role = replica;

BEGIN;

INSERT INTO registered_models (name, creation_time, last_updated_time, workspace)
SELECT pg_temp.name(m, :models), 0, 0, 'default' FROM generate_series(0, least(:last, :models - 1)) AS m
ON CONFLICT DO NOTHING;

INSERT INTO model_versions (
    name, version, creation_time, last_updated_time, description, current_stage, source, run_id, status, run_link,
    storage_location, workspace)
SELECT pg_temp.name(n, :models), n / :models + 1, at, at, '', 'None',
    'mlflow-artifacts:/1/' || md5(n::text) || '/artifacts/model', md5(n::text), 'READY', '',
    'mlflow-artifacts:/1/' || md5(n::text) || '/artifacts/model', 'default'
FROM generate_series(:first, :last) AS n,
    LATERAL (SELECT (extract(epoch FROM now())::bigint - :last + n) * 1000 AS at) AS times
ORDER BY n;

INSERT INTO model_version_tags (key, value, name, version, workspace)
SELECT tag.key, tag.value, pg_temp.name(n, :models), n / :models + 1, 'default'
FROM generate_series(:first, :last) AS n,
    LATERAL (VALUES
        ('team', 'team-' || pg_temp.draw(n, 1) % 10), ('stage', (ARRAY['new', 'tested', 'approved'])[n % 3 + 1]),
        ('ticket', 'T-' || pg_temp.draw(n, 2) % 100000)) AS tag (key, value);

INSERT INTO runs (
    run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version,
    lifecycle_stage, artifact_uri, experiment_id)
SELECT md5(n::text), 'run-' || n, 'UNKNOWN', '', '', 'user-' || n % 20, 'FINISHED', at, at, '', 'active',
    'mlflow-artifacts:/1/' || md5(n::text) || '/artifacts', :experiment
FROM generate_series(:first, :last) AS n,
    LATERAL (SELECT (extract(epoch FROM now())::bigint - :last + n) * 1000 AS at) AS times;

INSERT INTO tags (key, value, run_uuid)
SELECT 'mlflow.runName', 'run-' || n, md5(n::text) FROM generate_series(:first, :last) AS n;

INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
SELECT metric.key, metric.value, 1, 0, false, md5(n::text)
FROM generate_series(:first, :last) AS n,
    LATERAL (VALUES
        ('auc', pg_temp.draw(n, 3) / 1048576::float8), ('loss', pg_temp.draw(n, 4) / 10485.76::float8)) AS metric (key, value);

COMMIT;
VACUUM (ANALYZE) registered_models, model_versions, model_version_tags, runs, tags, latest_metrics;
