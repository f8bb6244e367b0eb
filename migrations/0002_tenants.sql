-- Clinics, their numbers and keys. Written by the operator (`neurality tenant apply`, as owner), read by the application.

CREATE TABLE tenants (
    tenant_id            uuid PRIMARY KEY,
    name                 text NOT NULL CHECK (name <> ''),
    time_zone            text NOT NULL,
    greeting             text NOT NULL,
    instructions         text NOT NULL,
    voice                text,
    fallback_number      text,
    transfer_number      text,
    max_concurrent_calls integer NOT NULL CHECK (max_concurrent_calls > 0),
    max_calls_per_minute integer NOT NULL CHECK (max_calls_per_minute > 0),
    created_at           timestamptz NOT NULL DEFAULT now()
);

-- Data keys, wrapped by a master key that is not in this database. Blind indexes and audit chain hang on the oldest.
CREATE TABLE tenant_keys (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    key_id     integer NOT NULL CHECK (key_id > 0),
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key_id)
);

-- One number belongs to one clinic.
CREATE TABLE phone_numbers (
    number    text PRIMARY KEY CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    tenant_id uuid NOT NULL REFERENCES tenants
);
CREATE INDEX ON phone_numbers (tenant_id);

CALL protect_tenant_table('tenants');
CALL protect_tenant_table('tenant_keys');
CALL protect_tenant_table('phone_numbers');
GRANT SELECT ON tenants, tenant_keys, phone_numbers TO neurality_app;

-- A dialled number must be resolved before a tenant is known: the resolver's own policy, behind one function.
GRANT SELECT ON tenants, phone_numbers TO neurality_resolver;
CREATE POLICY resolver_reads ON tenants FOR SELECT TO neurality_resolver USING (true);
CREATE POLICY resolver_reads ON phone_numbers FOR SELECT TO neurality_resolver USING (true);

CREATE FUNCTION resolve_number(dialled text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tenant_id FROM public.phone_numbers WHERE number = dialled $$;

GRANT CREATE ON SCHEMA public TO neurality_resolver;
ALTER FUNCTION resolve_number OWNER TO neurality_resolver;
REVOKE CREATE ON SCHEMA public FROM neurality_resolver;
REVOKE ALL ON FUNCTION resolve_number FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_number TO neurality_app;
