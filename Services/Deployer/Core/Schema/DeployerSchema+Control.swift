extension DeployerSchema {
    /// What control keeps of a deployment beside its rollout.
    static let scaling = """
        ALTER TABLE deployments
            -- How many replicas the demand asks for, all revisions together.
            ADD COLUMN scaled integer NOT NULL DEFAULT 1,
            -- How requests are divided until what is in `shares` is possible; empty where nothing was ever routed.
            ADD COLUMN routed_revisions integer[] NOT NULL DEFAULT '{}',
            ADD COLUMN routed_percents integer[] NOT NULL DEFAULT '{}';
        """
}
