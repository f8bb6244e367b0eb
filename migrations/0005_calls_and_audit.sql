-- Calls, the audit artifacts, and who looked at them.

CREATE TABLE calls (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    call_id      uuid NOT NULL,
    started_at   timestamptz NOT NULL,
    dialled      text NOT NULL,
    caller       bytea,
    caller_index bytea CHECK (octet_length(caller_index) = 32),
    ended_at     timestamptz,
    outcome      text CHECK (outcome IN ('completed', 'transferred', 'caller_hung_up', 'abandoned', 'failed')),
    PRIMARY KEY (tenant_id, call_id)
);
CREATE INDEX ON calls (tenant_id, started_at);

-- Two levels: a partition per tenant, and in it one per month (UTC) of the call's admission. Six years later a month is detached, not deleted.
CREATE TABLE call_artifacts (
    tenant_id    uuid NOT NULL,
    started_at   timestamptz NOT NULL,
    call_id      uuid NOT NULL,
    sequence     bigint NOT NULL CHECK (sequence > 0),
    document     bytea NOT NULL,
    previous_mac bytea NOT NULL CHECK (octet_length(previous_mac) = 32),
    mac          bytea NOT NULL CHECK (octet_length(mac) = 32),
    written_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, started_at, call_id)
) PARTITION BY LIST (tenant_id);
CREATE INDEX ON call_artifacts (tenant_id, sequence);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON call_artifacts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON call_artifacts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The end of each tenant's chain; locked while a record is appended.
CREATE TABLE audit_heads (
    tenant_id uuid PRIMARY KEY REFERENCES tenants,
    sequence  bigint NOT NULL DEFAULT 0,
    mac       bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(mac) = 32)
);

CREATE FUNCTION audit_head_moves_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <> OLD.sequence + 1 THEN
        RAISE EXCEPTION 'the audit chain grows by one record at a time' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER by_one BEFORE UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION audit_head_moves_by_one();

CREATE TABLE phi_access_log (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    access_id  uuid NOT NULL DEFAULT gen_random_uuid(),
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL CHECK (actor <> ''),
    action     text NOT NULL,
    subject    text NOT NULL,
    subject_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, access_id)
);
CREATE INDEX ON phi_access_log (tenant_id, subject_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON phi_access_log FOR EACH ROW EXECUTE FUNCTION refuse_change();

CALL protect_tenant_table('calls');
CALL protect_tenant_table('call_artifacts');
CALL protect_tenant_table('audit_heads');
CALL protect_tenant_table('phi_access_log');
GRANT SELECT, INSERT ON calls, call_artifacts, phi_access_log TO neurality_app;
GRANT UPDATE (ended_at, outcome) ON calls TO neurality_app;
GRANT SELECT, UPDATE (sequence, mac) ON audit_heads TO neurality_app;

-- Makes the current tenant's partition for a month, unless it is there. The application may call it, but only for the tenant it acts for.
-- A new table is attached instead of created in place: attaching does not lock out writers of other tenants. Partitions are protected
-- themselves, and granted to nobody: rows are reached through the parent alone.
CREATE FUNCTION ensure_audit_partition(moment timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    tenant      constant uuid := NULLIF(current_setting('app.tenant_id', true), '')::uuid;
    first_day   constant timestamptz := date_trunc('month', moment);
    tenant_part constant text := 'call_artifacts_' || replace(tenant::text, '-', '');
    month_part  constant text := tenant_part || to_char(first_day, '_YYYYMM');
BEGIN
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF to_regclass('public.' || month_part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(tenant_part, 0));
    -- From here on the catalogue itself is asked: to_regclass may still remember that there was no such table before we waited.
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = tenant_part AND relnamespace = 'public'::regnamespace) THEN
        EXECUTE format('CREATE TABLE %I (LIKE call_artifacts INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (started_at)', tenant_part);
        CALL protect_tenant_table(tenant_part::regclass);
        EXECUTE format('ALTER TABLE call_artifacts ATTACH PARTITION %I FOR VALUES IN (%L)', tenant_part, tenant);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = month_part AND relnamespace = 'public'::regnamespace) THEN
        EXECUTE format('CREATE TABLE %I (LIKE call_artifacts INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', month_part);
        CALL protect_tenant_table(month_part::regclass);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       tenant_part, month_part, first_day, first_day + interval '1 month');
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', month_part);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION ensure_audit_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_audit_partition TO neurality_app;

-- `audit export --call` knows a call, not its tenant.
GRANT SELECT (tenant_id, call_id) ON calls TO neurality_resolver;
CREATE POLICY resolver_reads ON calls FOR SELECT TO neurality_resolver USING (true);
CREATE FUNCTION resolve_call(call uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tenant_id FROM public.calls WHERE call_id = call $$;
CREATE INDEX ON calls (call_id);

GRANT CREATE ON SCHEMA public TO neurality_resolver;
ALTER FUNCTION resolve_call OWNER TO neurality_resolver;
REVOKE CREATE ON SCHEMA public FROM neurality_resolver;
REVOKE ALL ON FUNCTION resolve_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_call TO neurality_app;
