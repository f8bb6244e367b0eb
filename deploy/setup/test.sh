#!/usr/bin/env bash
# All checks and tests, as `make test` and CI run them. Every phase runs, whatever the ones before it said, and says how long it
# took; the exit code is a failure if any failed. The last line counts the tests.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
LOG=target/report/test.log
K8S_LOG=target/report/k8s.log
FAILED_PHASES=()
SUMMARY=()

# phase <name> <command...>
phase() {
    local name=$1 begin=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if "$@"; then
        SUMMARY+=("$name: $((SECONDS - begin)) s")
    else
        SUMMARY+=("$name: $((SECONDS - begin)) s, FAILED")
        FAILED_PHASES+=("$name")
    fi
}

run_tests() { cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$LOG"; }

# One after the other, and nothing beside them: a worker without CPU for two seconds loses its calls, as it should.
run_chaos() { cargo test --workspace --locked --no-fail-fast --test it -- --ignored --test-threads 1 chaos:: 2>&1 | tee -a "$LOG"; }

# Counts the panics of its process, so nothing else runs in it.
run_hostile() { cargo test --workspace --locked --no-fail-fast --test it -- --ignored --test-threads 1 in_forty_conversations 2>&1 | tee -a "$LOG"; }

# Chart, alerts, dashboards, images' files, on a real control plane; the pods are the executables that were just built.
run_k8s_tests() { cargo build --workspace --locked --quiet && deploy/k8s/test.py 2>&1 | grep --line-buffered -v 'found symbolic link' | tee "$K8S_LOG"; }

# Sums cargo's `test result: ok. 12 passed; 1 failed; ...` over all test binaries, and the line that deploy/k8s/test.py ends with.
count() {
    awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
         /^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") passed += $(i - 1); if ($i == "failed;") failed += $(i - 1) } }
         END { printf "%d passed, %d failed\n", passed, failed }' "$LOG" "$K8S_LOG"
}

mkdir -p target/report
: >"$LOG"
: >"$K8S_LOG"
phase "set-up" deploy/setup/setup.sh
phase "format" cargo fmt --all --check
phase "lint" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
phase "build" cargo test --workspace --locked --no-run --quiet
phase "tests" run_tests
phase "chaos" run_chaos
phase "hostile" run_hostile
phase "k8s set-up" deploy/k8s/setup.sh
phase "k8s tests" run_k8s_tests

printf '\n== %s s in all\n' "$SECONDS"
printf '%s\n' "${SUMMARY[@]}"
if [ ${#FAILED_PHASES[@]} -gt 0 ]; then
    grep -hE '^test.* \.\.\. (FAILED|FAIL|ERROR)$|^error: (test|doctest|[0-9]+ targets?) failed' "$LOG" "$K8S_LOG"
    printf 'failed phases: %s\n' "${FAILED_PHASES[*]}"
fi
count
[ ${#FAILED_PHASES[@]} -eq 0 ]
