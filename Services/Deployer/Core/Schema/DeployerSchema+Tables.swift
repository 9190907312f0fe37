extension DeployerSchema {
    static let targets = """
        -- Ring a channel with the row's own number, or with that of its deployment.
        CREATE FUNCTION ring() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify(TG_ARGV[0], coalesce(NEW.id, OLD.id)::text);
            RETURN NULL;
        END $$;
        CREATE FUNCTION ring_deployment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify(TG_ARGV[0], coalesce(NEW.deployment, OLD.deployment)::text);
            RETURN NULL;
        END $$;

        CREATE TABLE targets (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            -- None where every workspace may use it, as the machine's own.
            workspace uuid,
            name text COLLATE "C" NOT NULL,
            description text NOT NULL DEFAULT '',
            -- `process`, `docker`.
            kind text NOT NULL,
            -- A TargetPlace message without its key, and the key, sealed.
            place bytea NOT NULL,
            sealed_key bytea,
            reachable boolean NOT NULL DEFAULT false,
            message text NOT NULL DEFAULT '',
            version text NOT NULL DEFAULT '',
            cpu_millis bigint NOT NULL DEFAULT 0,
            memory_bytes bigint NOT NULL DEFAULT 0,
            gpus integer NOT NULL DEFAULT 0,
            replicas integer NOT NULL DEFAULT 0,
            checked timestamptz,
            attached_by text NOT NULL,
            attached timestamptz NOT NULL DEFAULT now(),
            -- What ran on it once still names it.
            detached timestamptz
        );
        CREATE UNIQUE INDEX targets_name ON targets (workspace, name) NULLS NOT DISTINCT WHERE detached IS NULL;
        """

    static let deployments = """
        CREATE TABLE deployments (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workspace uuid NOT NULL,
            workspace_name text NOT NULL,
            name text COLLATE "C" NOT NULL,
            description text NOT NULL DEFAULT '',
            tags jsonb NOT NULL DEFAULT '{}',
            target bigint NOT NULL REFERENCES targets,
            -- Grows with each change of what is desired.
            generation bigint NOT NULL DEFAULT 1,
            -- The last revision, and the one that served before the last change of who serves; 0 where none did.
            newest integer NOT NULL DEFAULT 0,
            served_before integer NOT NULL DEFAULT 0,
            -- The revision of which it was last announced that it serves.
            announced integer NOT NULL DEFAULT 0,
            -- A Scaling message.
            scaling bytea NOT NULL,
            -- A Security message without its key, and the key, sealed for `SecretBox.certificateKey`.
            security bytea NOT NULL,
            sealed_certificate_key bytea,
            certificate_until timestamptz,
            -- In small letters; none where it answers to no host of its own.
            host text COLLATE "C",
            -- What was seen: a DeploymentStatus message, its state and the generation that it is about. Zero is none yet.
            status bytea NOT NULL DEFAULT '',
            state smallint NOT NULL DEFAULT 1,
            observed_generation bigint NOT NULL DEFAULT 0,
            observed timestamptz,
            -- When a router last heard of a request, as far as scaling to zero needs it.
            asked timestamptz NOT NULL DEFAULT now(),
            request_id text NOT NULL DEFAULT '',
            created_by text NOT NULL,
            -- In whose name images are brought and uses reported: whoever changed it last.
            principal uuid NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            -- Since when it is to go, and since when nothing of it is left but its history.
            deleting timestamptz,
            deleted timestamptz
        );
        CREATE UNIQUE INDEX deployments_name ON deployments (workspace, name) WHERE deleted IS NULL;
        CREATE UNIQUE INDEX deployments_host ON deployments (host) WHERE deleted IS NULL AND host IS NOT NULL;
        CREATE UNIQUE INDEX deployments_request ON deployments (workspace, request_id) WHERE request_id <> '';
        CREATE INDEX deployments_target ON deployments (target) WHERE deleted IS NULL;
        CREATE INDEX deployments_state ON deployments (workspace, state, name) WHERE deleted IS NULL;
        CREATE INDEX deployments_tags ON deployments USING gin (tags) WHERE deleted IS NULL;
        CREATE INDEX deployments_alive ON deployments (id) WHERE deleted IS NULL;

        -- What is desired: 100 together. What is routed follows from it and from what is ready.
        CREATE TABLE shares (
            deployment bigint NOT NULL REFERENCES deployments,
            revision integer NOT NULL,
            percent integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
            PRIMARY KEY (deployment, revision)
        );

        CREATE TABLE revisions (
            deployment bigint NOT NULL REFERENCES deployments,
            number integer NOT NULL,
            workspace uuid NOT NULL,
            -- Empty, 0 and none while the image is still to be built.
            image_name text COLLATE "C" NOT NULL DEFAULT '',
            image_version integer NOT NULL DEFAULT 0,
            digest bytea CHECK (octet_length(digest) = 32),
            -- The version that an image is to be built for, `churn:3`; empty where an image was named.
            model text COLLATE "C" NOT NULL DEFAULT '',
            -- The image builder's activity that builds it, once it was asked.
            build uuid,
            -- `building`, `bringing`, `ready` (its bytes are here), `failed`; replicas begin where it is ready.
            stage text NOT NULL CHECK (stage IN ('building', 'bringing', 'ready', 'failed')),
            stage_message text NOT NULL DEFAULT '',
            attempts integer NOT NULL DEFAULT 0,
            due timestamptz NOT NULL DEFAULT now(),
            -- A ReplicaSettings message with every default filled in, and of it what is counted together.
            settings bytea NOT NULL,
            cpu_millis bigint NOT NULL,
            memory_bytes bigint NOT NULL,
            gpus integer NOT NULL,
            -- Replicas that are to be; written by scaling and rollouts.
            wanted integer NOT NULL DEFAULT 0,
            principal uuid NOT NULL,
            created_by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            reason text NOT NULL DEFAULT '',
            -- The revision that it is a copy of, where it was made by going back.
            copy_of integer,
            PRIMARY KEY (deployment, number)
        );
        CREATE INDEX revisions_image ON revisions (workspace, image_name, image_version);
        CREATE INDEX revisions_digest ON revisions (digest);
        CREATE INDEX revisions_due ON revisions (due) WHERE stage IN ('building', 'bringing');

        CREATE TABLE revision_models (
            deployment bigint NOT NULL,
            revision integer NOT NULL,
            workspace uuid NOT NULL,
            model text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            PRIMARY KEY (deployment, revision, model, version),
            FOREIGN KEY (deployment, revision) REFERENCES revisions
        );
        CREATE INDEX revision_models_model ON revision_models (workspace, model, version);

        -- What opens an endpoint.
        CREATE TABLE endpoint_keys (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            deployment bigint NOT NULL REFERENCES deployments,
            kind text NOT NULL CHECK (kind IN ('primary', 'secondary', 'token')),
            digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
            -- The text itself, sealed; of tokens nobody keeps it.
            sealed bytea,
            until timestamptz,
            created_by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX endpoint_keys_kind ON endpoint_keys (deployment, kind) WHERE kind <> 'token';
        CREATE INDEX endpoint_keys_deployment ON endpoint_keys (deployment);
        CREATE INDEX endpoint_keys_until ON endpoint_keys (until) WHERE until IS NOT NULL;

        CREATE TRIGGER ring AFTER INSERT OR UPDATE OF generation, deleting, deleted ON deployments
            FOR EACH ROW EXECUTE FUNCTION ring('slipway_deployments');
        CREATE TRIGGER ring_stage AFTER INSERT OR UPDATE OF stage, wanted ON revisions
            FOR EACH ROW EXECUTE FUNCTION ring_deployment('slipway_deployments');
        CREATE TRIGGER ring_status AFTER UPDATE ON deployments
            FOR EACH ROW EXECUTE FUNCTION ring('slipway_statuses');
        """

    static let control = """
        -- A row is there before its replica is anywhere, and goes after it.
        CREATE TABLE replicas (
            id uuid PRIMARY KEY,
            deployment bigint NOT NULL REFERENCES deployments,
            revision integer NOT NULL,
            target bigint NOT NULL REFERENCES targets,
            -- Of Replica.State.
            state smallint NOT NULL DEFAULT 1,
            address text NOT NULL DEFAULT '',
            -- What it has to be shown, sealed for `SecretBox.replicaKey`.
            sealed_key bytea NOT NULL,
            -- How often one in its place was begun again, and when the next is.
            restarts integer NOT NULL DEFAULT 0,
            next_attempt timestamptz,
            message text NOT NULL DEFAULT '',
            created timestamptz NOT NULL DEFAULT now(),
            started timestamptz,
            ready timestamptz,
            draining timestamptz,
            FOREIGN KEY (deployment, revision) REFERENCES revisions
        );
        CREATE INDEX replicas_deployment ON replicas (deployment, revision);
        CREATE INDEX replicas_target ON replicas (target);

        CREATE TABLE rollouts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            deployment bigint NOT NULL REFERENCES deployments,
            from_revision integer NOT NULL,
            to_revision integer NOT NULL,
            -- A RolloutPlan message with every default filled in.
            plan bytea NOT NULL,
            -- Of Rollout.State.
            state smallint NOT NULL DEFAULT 1,
            percent integer NOT NULL DEFAULT 0,
            message text NOT NULL DEFAULT '',
            -- Since when the step is watched, and what its revisions had counted by then: the keeper's own words.
            step_since timestamptz,
            baseline bytea NOT NULL DEFAULT '',
            started timestamptz NOT NULL DEFAULT now(),
            ended timestamptz
        );
        CREATE UNIQUE INDEX rollouts_open ON rollouts (deployment) WHERE ended IS NULL;
        CREATE INDEX rollouts_deployment ON rollouts (deployment, id DESC);

        -- The last decisions of each deployment.
        CREATE TABLE decisions (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            deployment bigint NOT NULL REFERENCES deployments,
            at timestamptz NOT NULL DEFAULT now(),
            -- A ScalingDecision message, without its time.
            decision bytea NOT NULL,
            changes boolean NOT NULL
        );
        CREATE INDEX decisions_deployment ON decisions (deployment, id DESC);

        CREATE TRIGGER ring_status AFTER INSERT OR UPDATE OR DELETE ON replicas
            FOR EACH ROW EXECUTE FUNCTION ring_deployment('slipway_statuses');
        CREATE TRIGGER ring_status AFTER INSERT OR UPDATE ON rollouts
            FOR EACH ROW EXECUTE FUNCTION ring_deployment('slipway_statuses');
        CREATE TRIGGER ring AFTER INSERT ON rollouts
            FOR EACH ROW EXECUTE FUNCTION ring_deployment('slipway_deployments');
        """

    static let routing = """
        -- Written with the state that they follow from; routers have their own copy.
        CREATE TABLE routes (
            deployment bigint PRIMARY KEY REFERENCES deployments,
            workspace uuid NOT NULL,
            version bigint NOT NULL,
            -- A Route message.
            route bytea NOT NULL
        );
        -- Versions grow also where a route went and came back.
        CREATE SEQUENCE route_versions;
        CREATE TRIGGER ring AFTER INSERT OR UPDATE OR DELETE ON routes
            FOR EACH ROW EXECUTE FUNCTION ring_deployment('slipway_routes');

        CREATE TABLE routers (
            router uuid PRIMARY KEY,
            host text NOT NULL DEFAULT '',
            addresses text[] NOT NULL DEFAULT '{}',
            started timestamptz NOT NULL DEFAULT now(),
            seen timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX routers_seen ON routers (seen);

        -- Counters: a crash of the database may lose them, as one of the router does.
        CREATE UNLOGGED TABLE router_reports (
            router uuid NOT NULL,
            deployment bigint NOT NULL,
            revision integer NOT NULL,
            -- A RouteReport message.
            report bytea NOT NULL,
            reported timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (router, deployment, revision)
        );
        CREATE INDEX router_reports_deployment ON router_reports (deployment, revision);
        CREATE INDEX router_reports_reported ON router_reports (reported);
        """

    static let images = """
        -- Images whose bytes are here, by the digest of the manifest.
        CREATE TABLE local_images (
            digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
            -- When it was brought, or a revision taken up with it.
            used timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE local_image_blobs (
            image bytea NOT NULL REFERENCES local_images ON DELETE CASCADE,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            PRIMARY KEY (image, digest)
        );
        CREATE INDEX local_image_blobs_digest ON local_image_blobs (digest);

        -- What the registry and the image builder are to know: what is so, and what each of them has accepted.
        CREATE TABLE reports (
            workspace uuid NOT NULL,
            workspace_name text NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            -- In whose name it is reported.
            principal uuid NOT NULL,
            versions text[] NOT NULL,
            images text[] NOT NULL,
            state text NOT NULL DEFAULT '',
            generation bigint NOT NULL,
            accepted_models bigint NOT NULL DEFAULT 0,
            accepted_images bigint NOT NULL DEFAULT 0,
            attempts integer NOT NULL DEFAULT 0,
            due timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, "user")
        );
        CREATE INDEX reports_due ON reports (due)
            WHERE accepted_models < generation OR accepted_images < generation;
        """
}
