#!/usr/bin/env bash
# Checks every SQL statement of src/ against a real, freshly migrated Postgres and writes what it learns to .sqlx, from which
# builds without a database read it. With --check it changes nothing and fails if .sqlx is not up to date.
#
# The server is a throwaway of its own under /tmp; psql applies the migrations, because the product itself may not compile before.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PORT=${SQLX_PREPARE_PORT:-55498}
HOME_DIR=$(mktemp -d /tmp/sqlx-prepare.XXXXXX)
FRESH=$HOME_DIR/queries
PASSWORD=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
AS_POSTGRES=()
if [ "$(id -u)" -eq 0 ]; then
    AS_POSTGRES=(setpriv --reuid postgres --regid postgres --clear-groups --)
    chown postgres "$HOME_DIR"
fi

program() { command -v "$1" || compgen -G "/usr/lib/postgresql/*/bin/$1" | tail -n 1; }

stop() {
    [ -z "${SERVER:-}" ] || { kill -INT "$SERVER" && wait "$SERVER"; } 2>/dev/null || true
    rm -rf "$HOME_DIR" "$HOME_DIR.log"
}
trap stop EXIT

sql() { "$(program psql)" -X -q -v ON_ERROR_STOP=1 -h "$HOME_DIR" -p "$PORT" "$@"; }

cd /
"${AS_POSTGRES[@]}" "$(program initdb)" --no-sync --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 -D "$HOME_DIR/data" >/dev/null
"${AS_POSTGRES[@]}" "$(program postgres)" -D "$HOME_DIR/data" -p "$PORT" -k "$HOME_DIR" -c listen_addresses=127.0.0.1 -c fsync=off \
    >"$HOME_DIR.log" 2>&1 &
SERVER=$!
cd - >/dev/null
for _ in $(seq 100); do
    sql -U postgres -d postgres -c 'SELECT 1' >/dev/null 2>&1 && break
    sleep 0.1
done

sql -U postgres -d postgres -v owner_password="$PASSWORD" -v app_password="$PASSWORD" -f deploy/postgres/roles.sql
sql -U postgres -d postgres -c 'CREATE DATABASE prepare OWNER neurality_owner'
for migration in migrations/*.sql; do
    sql -U neurality_owner -d prepare -1 -f "$migration"
done

mkdir "$FRESH"
chmod 755 "$HOME_DIR"
touch src/lib.rs # the macros run when the crate is compiled; the whole workspace, as `make build` has it: another selection resolves other features and checks everything anew
DATABASE_URL=postgres://neurality_owner:$PASSWORD@127.0.0.1:$PORT/prepare SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$FRESH \
    ${CARGO:-cargo} check --workspace --lib --locked

if [ "${1:-}" = --check ]; then
    diff -r .sqlx "$FRESH" >/dev/null || { echo "sqlx-prepare: .sqlx is out of date: run make sqlx-prepare" >&2; exit 1; }
    echo "sqlx-prepare: .sqlx is up to date"
else
    rm -rf .sqlx
    cp -r "$FRESH" .sqlx
    echo "sqlx-prepare: $(find .sqlx -name '*.json' | wc -l) statements in .sqlx"
fi
