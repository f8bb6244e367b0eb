-- The three database roles of Neurality. Run once per Postgres cluster as a superuser, before `neurality migrate`:
--
--   psql -v owner_password=... -v app_password=... -f deploy/postgres/roles.sql
--
-- Running it again is harmless and sets the passwords anew. The local stack runs this same file.
--
-- neurality_owner     owns the schema and runs migrations. Row level security is FORCEd, so it binds the owner too.
-- neurality_app       the login of gateway and worker: neither owner nor superuser, so row level security binds it.
-- neurality_resolver  no login; owns the few functions that must look across tenants (dialled number -> tenant), and has
--                     policies of its own. Migrations hand those functions to it, hence the membership below.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY['neurality_owner', 'neurality_app', 'neurality_resolver']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE neurality_owner WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE neurality_app WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD :'app_password';
ALTER ROLE neurality_resolver WITH NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

GRANT neurality_resolver TO neurality_owner;
