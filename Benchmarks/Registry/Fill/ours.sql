-- Versions `first` to `last` of the benchmark, as registering them would have left them. The workspace, the file set and a
-- version's facts are those of the one that was registered over the wire before; the journal is left out.
--
-- Values follow from the number alone, so that both sides hold the same: ten teams, a hundred thousand tickets, a metric
-- from 0 to 1 and one from 0 to 100, no two orders alike.

CREATE FUNCTION pg_temp.draw(number bigint, seed bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT hashint8extended($1, $2) & 1048575';

-- The rows fit each other: looking for each other's would only take time.
SET session_replication_role = replica;

BEGIN;

INSERT INTO registry.models (workspace, name)
SELECT w.workspace, format('model-%s', lpad(m::text, 5, '0'))
FROM (SELECT workspace FROM registry.file_sets ORDER BY id LIMIT 1) AS w,
    generate_series(0, least(:last, :models - 1)) AS m
ON CONFLICT DO NOTHING;

INSERT INTO registry.versions (
    model, workspace, name, version, file_set, size, format, framework, license, run, experiment, facts, tags, metrics,
    created_by, created, updated)
SELECT m.id, m.workspace, m.name, n / :models + 1, seed.file_set, seed.size + n % 100000, 'onnx',
    (ARRAY['scikit-learn', 'xgboost', 'lightgbm', 'pytorch', 'keras'])[n % 5 + 1],
    CASE WHEN n % 50 = 0 THEN 'Apache-2.0' ELSE '' END, md5(n::text), 'experiment-' || n % 100, seed.facts,
    jsonb_build_object(
        'team', 'team-' || pg_temp.draw(n, 1) % 10, 'stage', (ARRAY['new', 'tested', 'approved'])[n % 3 + 1],
        'ticket', 'T-' || pg_temp.draw(n, 2) % 100000),
    jsonb_build_object('auc', pg_temp.draw(n, 3) / 1048576::float8, 'loss', pg_temp.draw(n, 4) / 10485.76::float8),
    'person:user-' || n % 20, now() - (:last - n) * interval '1 second', now() - (:last - n) * interval '1 second'
FROM generate_series(:first, :last) AS n
    JOIN registry.models AS m ON m.name = format('model-%s', lpad((n % :models)::text, 5, '0')),
    LATERAL (SELECT workspace, file_set, size, facts FROM registry.versions ORDER BY id LIMIT 1) AS seed
WHERE m.workspace = seed.workspace
ORDER BY n;

INSERT INTO registry.metrics (version, workspace, key, value)
SELECT v.id, v.workspace, metric.key, metric.value::float8
FROM registry.versions AS v, jsonb_each_text(v.metrics) AS metric
ON CONFLICT DO NOTHING;

INSERT INTO registry.origins (version, workspace, relation, origin)
SELECT v.id, v.workspace, 'run', v.run FROM registry.versions AS v WHERE v.run <> ''
ON CONFLICT DO NOTHING;

UPDATE registry.models AS m
SET last_version = c.last, latest_version = c.last, version_count = c.count, updated = now()
FROM (SELECT model, max(version) AS last, count(*) AS count FROM registry.versions GROUP BY model) AS c
WHERE c.model = m.id;

-- Each model has a champion, and one in a hundred something on trial.
INSERT INTO registry.aliases (model, alias, version, workspace, target, set_by)
SELECT v.model, given.alias, v.version, v.workspace, v.id, 'person:user-1'
FROM registry.models AS m,
    LATERAL (VALUES
        ('champion', pg_temp.draw(m.id, 5) % m.last_version + 1),
        (CASE WHEN m.id % 100 = 0 THEN 'trial' END, m.last_version)) AS given (alias, version),
    registry.versions AS v
WHERE given.alias IS NOT NULL AND v.model = m.id AND v.version = given.version
ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version, target = excluded.target;

COMMIT;
VACUUM (ANALYZE) registry.models, registry.versions, registry.metrics, registry.origins, registry.aliases;
