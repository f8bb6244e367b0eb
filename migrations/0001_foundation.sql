-- What every later migration stands on. Migrations run as neurality_owner; the three roles come from deploy/postgres/roles.sql.

CREATE EXTENSION IF NOT EXISTS btree_gist;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO neurality_app, neurality_resolver;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;

-- Every tenant table goes through this. FORCE binds the owner too. After a transaction the setting is an empty string, not NULL.
CREATE PROCEDURE protect_tenant_table(target regclass) LANGUAGE plpgsql AS $$
DECLARE
    own_rows constant text := 'tenant_id = NULLIF(current_setting(''app.tenant_id'', true), '''')::uuid';
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s USING (%s) WITH CHECK (%s)', target, own_rows, own_rows);
END
$$;
REVOKE ALL ON PROCEDURE protect_tenant_table FROM PUBLIC;

-- For tables that only grow.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
