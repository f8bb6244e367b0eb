#!/usr/bin/env bash
# Makes the secrets of compose.yaml that can be made, and asks for the others by environment: TWILIO_AUTH_TOKEN, DEEPGRAM_API_KEY and
# OPENAI_API_KEY (with simulators none is needed). What is there is left as it is. Back up secrets/keys apart from the database: without it
# no patient data can be read.
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
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in postgres-password postgres-owner-password postgres-app-password redis-password livekit-api-secret sip-password grafana-password; do
    put "$name" "$(random)"
done
put keys "1 $(head -c 32 /dev/urandom | base64 -w 0)"
put postgres-url "postgres://neurality_app:$(cat secrets/postgres-app-password)@postgres:5432/neurality"
put postgres-owner-url "postgres://neurality_owner:$(cat secrets/postgres-owner-password)@postgres:5432/neurality"
put redis-url "redis://:$(cat secrets/redis-password)@redis:6379"
put twilio-auth-token "${TWILIO_AUTH_TOKEN:-$(random)}"
put deepgram-api-key "${DEEPGRAM_API_KEY:-sim-deepgram-key}"
put openai-api-key "${OPENAI_API_KEY:-sim-openai-key}"

# LiveKit and its SIP gateway take theirs from the environment.
grep -q '^LIVEKIT_API_SECRET=' ../.env 2>/dev/null || printf 'LIVEKIT_API_SECRET=%s\n' "$(cat secrets/livekit-api-secret)" >>../.env
