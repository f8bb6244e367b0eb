-- Artifacts that do not depend on their call's row, or on Redis; checkpoints, from which a chain is walked whose first months were detached.

-- An artifact is found by its call alone: its row in `calls` may be lost, or hold another time.
CREATE INDEX ON call_artifacts (call_id);
GRANT SELECT (tenant_id, call_id) ON call_artifacts TO neurality_resolver;
CREATE POLICY resolver_reads ON call_artifacts FOR SELECT TO neurality_resolver USING (true);
CREATE OR REPLACE FUNCTION resolve_call(call uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT tenant_id FROM public.calls WHERE call_id = call
        UNION ALL
        SELECT tenant_id FROM public.call_artifacts WHERE call_id = call
        LIMIT 1
    $$;

-- Artifacts of calls that are with a person: they go into the chain when it is known that the caller does not come back (ADR 0021).
CREATE TABLE pending_artifacts (
    tenant_id uuid NOT NULL REFERENCES tenants,
    call_id   uuid NOT NULL,
    sealed    bytea NOT NULL,
    due_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, call_id)
);
CREATE INDEX ON pending_artifacts (due_at);
CALL protect_tenant_table('pending_artifacts');
GRANT SELECT, INSERT, UPDATE, DELETE ON pending_artifacts TO neurality_app;

-- A pod looks for them without knowing whose they are.
GRANT SELECT (tenant_id, due_at) ON pending_artifacts TO neurality_resolver;
CREATE POLICY resolver_reads ON pending_artifacts FOR SELECT TO neurality_resolver USING (true);
CREATE FUNCTION tenants_with_due_artifacts(moment timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT DISTINCT tenant_id FROM public.pending_artifacts WHERE due_at <= moment $$;
GRANT CREATE ON SCHEMA public TO neurality_resolver;
ALTER FUNCTION tenants_with_due_artifacts OWNER TO neurality_resolver;
REVOKE CREATE ON SCHEMA public FROM neurality_resolver;
REVOKE ALL ON FUNCTION tenants_with_due_artifacts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_due_artifacts TO neurality_app;

-- The chain's value after a record, under the tenant's audit key. With `detached_before`, the records up to `sequence` that were admitted before that month are
-- gone, and `kept` are the ones that stay. Written by the owner; the application reads them.
CREATE TABLE audit_checkpoints (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    sequence        bigint NOT NULL CHECK (sequence >= 0),
    head            bytea NOT NULL CHECK (octet_length(head) = 32),
    detached_before timestamptz,
    kept            bigint[] NOT NULL DEFAULT '{}',
    made_at         timestamptz NOT NULL,
    mac             bytea NOT NULL CHECK (octet_length(mac) = 32),
    PRIMARY KEY (tenant_id, mac)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CALL protect_tenant_table('audit_checkpoints');
GRANT SELECT ON audit_checkpoints TO neurality_app;

-- Takes the current tenant's months before this one out of `call_artifacts` and returns the tables that they are now. They get names of their own, so that an
-- artifact of such a month which comes late still finds a partition. For the owner alone.
CREATE FUNCTION detach_audit_months(before timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    tenant      constant uuid := NULLIF(current_setting('app.tenant_id', true), '')::uuid;
    tenant_part constant text := 'call_artifacts_' || replace(tenant::text, '-', '');
    month_part  text;
    part_oid    oid;
    apart       text;
BEGIN
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOR month_part, part_oid IN
        SELECT c.relname, c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname = tenant_part AND p.relnamespace = 'public'::regnamespace
          AND c.relname < tenant_part || to_char(date_trunc('month', before), '_YYYYMM')
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', tenant_part, month_part);
        apart := 'detached_' || replace(tenant::text, '-', '') || right(month_part, 7) || '_' || part_oid::text;
        EXECUTE format('ALTER TABLE %I RENAME TO %I', month_part, apart);
        RETURN NEXT apart;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION detach_audit_months FROM PUBLIC;
