// Modules whose CustomResourceDefinitions the chart's tests apply and validate against. Only files are read, nothing is built, so `go mod tidy`
// would empty this list: do not run it. go.sum pins the contents.
module neurality.health/deploy/k8s/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/external-secrets/external-secrets v0.16.2
	github.com/kedacore/keda/v2 v2.21.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.6.3
)
