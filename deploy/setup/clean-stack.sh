#!/usr/bin/env bash
# Ends the servers of every local stack whose owner is gone (`make demo KEEP=1` leaves such a one) and removes their files.
# The layout is that of loadtest/src/stack/dir.rs: pid files hold "<pid> <start time in clock ticks>".
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Whether the process in the file still is the one that wrote it.
is_alive() {
    local pid started
    [ -f "$1" ] && read -r pid started <"$1" || return 1
    # Fields behind the program's name, which may hold blanks: the state is the first, the start time the 20th.
    [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$started" ]
}

clean() {
    local stack=$1 pid_file record
    if is_alive "$stack/owner"; then
        echo "clean-stack: $stack belongs to the running process $(cut -d' ' -f1 "$stack/owner"); left alone"
        return
    fi
    for pid_file in "$stack"/*.pid; do
        is_alive "$pid_file" || continue
        echo "clean-stack: ending $(basename "$pid_file" .pid)"
        # Quit lets Postgres give back its shared memory; a frozen server hears it once it goes on.
        kill -QUIT "$(cut -d' ' -f1 "$pid_file")"
        kill -CONT "$(cut -d' ' -f1 "$pid_file")"
        for _ in $(seq 50); do is_alive "$pid_file" || break; sleep 0.1; done
        is_alive "$pid_file" && kill -KILL "$(cut -d' ' -f1 "$pid_file")"
    done
    for record in "$stack"/outside.*; do
        rm -rf "$(cat "$record")"
    done
    rm -rf "$stack"
}

shopt -s nullglob
for stack in target/stack/*/; do
    clean "${stack%/}"
done
