# Sourced by the image's entrypoint on the first start.
psql -v ON_ERROR_STOP=1 -U postgres -v owner_password="$(cat /run/secrets/postgres-owner-password)" \
    -v app_password="$(cat /run/secrets/postgres-app-password)" -f /roles.sql
createdb -U postgres -O neurality_owner neurality
