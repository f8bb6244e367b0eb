"""What `make test-k8s` stands on: tools, schemas, a control plane, pods that are real processes."""
