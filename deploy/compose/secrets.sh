#!/usr/bin/env bash
# Makes the secrets of compose.yaml that can be made, and takes the others from the environment: TWILIO_AUTH_TOKEN, DEEPGRAM_API_KEY and
# OPENAI_API_KEY. With --simulators these are made, too. What is there is left as it is: to correct one, remove its file. Back up
# secrets/keys apart from the database: without it no patient data can be read.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p -m 700 secrets
umask 022 # the containers' user must read the files; the folder is closed

# put <name> <text>
put() {
    [ -s "secrets/$1" ] && return
    printf '%s\n' "$2" >"secrets/$1"
    echo "secrets.sh: made secrets/$1"
}
# given <name> <variable>
given() {
    [ -s "secrets/$1" ] && return
    if [ -z "${!2:-}" ]; then
        echo "secrets.sh: $2 is not set (with simulators: secrets.sh --simulators)" >&2
        exit 1
    fi
    put "$1" "${!2}"
}
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in postgres-password postgres-owner-password postgres-app-password redis-password livekit-api-secret sip-password grafana-password; do
    put "$name" "$(random)"
done
put keys "1 $(head -c 32 /dev/urandom | base64 -w 0)"
put postgres-url "postgres://neurality_app:$(cat secrets/postgres-app-password)@postgres:5432/neurality"
put postgres-owner-url "postgres://neurality_owner:$(cat secrets/postgres-owner-password)@postgres:5432/neurality"
put redis-url "redis://:$(cat secrets/redis-password)@redis:6379"
if [ "${1:-}" = --simulators ]; then
    put twilio-auth-token "$(random)"
    put deepgram-api-key sim-deepgram-key
    put openai-api-key sim-openai-key
fi
given twilio-auth-token TWILIO_AUTH_TOKEN
given deepgram-api-key DEEPGRAM_API_KEY
given openai-api-key OPENAI_API_KEY

# LiveKit and its SIP gateway take theirs from the environment.
touch ../.env && chmod 600 ../.env
grep -q '^LIVEKIT_API_SECRET=' ../.env 2>/dev/null || printf 'LIVEKIT_API_SECRET=%s\n' "$(cat secrets/livekit-api-secret)" >>../.env
