#!/usr/bin/env bash
# Builds the tools of `make test-k8s` into target/tools/k8s out of the Go modules beside this file, and says what it does. Idempotent: a module
# is built again only when its go.mod or go.sum changed.
#
#   setup.sh          control plane, kwok, helm, kubeconform, helm-unittest (about 10 CPU minutes cold)
#   setup.sh --keda   KEDA too, for `make test-k8s-scale` (about 11 CPU minutes more)
#
# `deploy/setup/setup.sh` comes first: it brings Prometheus and Alertmanager.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MODULES=$ROOT/deploy/k8s
BIN=$ROOT/target/tools/k8s

say() { printf 'k8s set-up: %s\n' "$*"; }

version() { awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$MODULES/$1/go.mod"; }

# Charts refuse a server that does not say its version.
kubernetes_ldflags() {
    local version minor
    version=$(version tools k8s.io/kubernetes)
    minor=$(cut -d. -f2 <<<"$version")
    printf -- '-s -w'
    # helm takes it for the cluster's where it sees none.
    for package in helm.sh/helm/v3/pkg/chartutil helm.sh/helm/v3/pkg/lint/rules; do
        printf -- ' -X %s.k8sVersionMajor=1 -X %s.k8sVersionMinor=%s' "$package" "$package" "$minor"
    done
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s' "$package" "$version" "$package" "$package" "$minor"
    done
}

# build <module> <ldflags> <name=package...>
build() {
    local module=$1 ldflags=$2 wanted stamp=$BIN/$1.stamp begin=$SECONDS
    shift 2
    wanted=$( (cat "$MODULES/$module/go.mod" "$MODULES/$module/go.sum"; echo "$ldflags $*") | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        say "$module: built"
        return
    fi
    say "building $module"
    for target in "$@"; do
        (cd "$MODULES/$module" && go build -mod=readonly -trimpath -ldflags="$ldflags" -o "$BIN/${target%%=*}" "${target#*=}")
    done
    printf '%s\n' "$wanted" >"$stamp"
    say "$module: built in $((SECONDS - begin)) s"
}

main() {
    command -v go >/dev/null || { say "go is missing" >&2; exit 1; }
    mkdir -p "$BIN"
    exec 9>"$BIN/.lock"
    flock 9
    build unittest "-s -w" untt=github.com/helm-unittest/helm-unittest/cmd/helm-unittest
    build tools "$(kubernetes_ldflags)" \
        helm=helm.sh/helm/v3/cmd/helm \
        kubeconform=github.com/yannh/kubeconform/cmd/kubeconform \
        etcd=go.etcd.io/etcd/server/v3 \
        kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver \
        kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager \
        kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler \
        kwok=sigs.k8s.io/kwok/cmd/kwok
    if [ "${1:-}" = --keda ]; then
        build keda "-s -w" \
            keda-operator=github.com/kedacore/keda/v2/cmd/operator \
            keda-adapter=github.com/kedacore/keda/v2/cmd/adapter
    fi
}

main "$@"
