# The entry points. CI calls only these (`.ci/run` is `make test`).
.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what this machine misses: Debian packages, LiveKit server, ONNX Runtime, models
	@deploy/setup/setup.sh

# The whole workspace, also where one package would do: a smaller selection resolves other features and builds everything anew.
.PHONY: build
build: setup ## Build everything
	$(CARGO) build --workspace --locked

.PHONY: demo
demo: build ## Place a call that books an appointment, on a real local stack (KEEP=1 leaves the stack up)
	target/debug/loadtest demo $(if $(filter-out 0,$(KEEP)),--keep)

.PHONY: test
test: ## What CI checks; everything is real but the paid services
	@deploy/setup/test.sh

.PHONY: test-k8s
test-k8s: build ## Chart, alerts and dashboards on a real Kubernetes control plane with real processes for pods (part of `make test`)
	@deploy/k8s/setup.sh
	@deploy/k8s/test.py

.PHONY: test-k8s-scale
test-k8s-scale: build ## Autoscaling with real workers and calls, 2 -> 4 -> 2, by an HPA and by KEDA (builds KEDA the first time)
	@deploy/k8s/setup.sh --keda
	@deploy/k8s/test.py scale

.PHONY: pictures
pictures: ## Keep the dashboards' pictures of the last `make test-k8s` and `test-k8s-scale` in docs/operations/pictures
	@mkdir -p docs/operations/pictures && cp target/report/dashboards/*.svg docs/operations/pictures/
	@! [ -d target/report/scale-keda ] || cp target/report/scale-keda/pool.svg docs/operations/pictures/scale.svg

.PHONY: test-image
test-image: ## The image's build steps in a clean folder, without a container engine (a release build)
	@deploy/image-steps.py --build

.PHONY: chart
chart: ## Write the chart's values.yaml and README.md and the dashboards anew from their sources
	@helm/render.py
	@dashboards/build.py

.PHONY: lint
lint: ## rustfmt and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

.PHONY: fmt
fmt: ## Format the sources
	$(CARGO) fmt --all

.PHONY: sqlx-prepare
sqlx-prepare: ## Check all SQL against a throwaway Postgres and refresh .sqlx (CHECK=1 only says whether it is up to date)
	@deploy/postgres/sqlx-prepare.sh $(if $(filter-out 0,$(CHECK)),--check)

.PHONY: bench-media
bench-media: setup ## CPU per audio frame and per call: writes target/report/media.json
	$(CARGO) build --release --workspace --locked
	target/release/loadtest bench-media

# ROUNDS=2 CALLS=4 SEED=7 ONLY=faults,rolling are for a shorter run.
.PHONY: chaos
chaos: build ## Kill, freeze and restart the pool's parts under calls: writes target/report/chaos.json (ROUNDS=10)
	target/debug/loadtest chaos $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(CALLS),--calls $(CALLS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))
	$(CARGO) test --workspace --locked --test it -- --ignored chaos::crowd

.PHONY: edge
edge: build ## Hang up at 20 moments of ringing and hand calls over at five: the long forms of tests that `make test` runs short
	$(CARGO) test --workspace --locked --test it -- --ignored --test-threads 1 calls::cancel calls::clock

# CONVERSATIONS=100 is a shorter run, SEED=17 that conversation alone.
.PHONY: hostile
hostile: setup ## A thousand conversations with a language model that means harm: writes target/report/hostile.json
	$(if $(CONVERSATIONS),HOSTILE_CONVERSATIONS=$(CONVERSATIONS)) $(if $(SEED),HOSTILE_SEED=$(SEED)) \
		$(CARGO) test --workspace --locked --test it -- --ignored --nocapture a_thousand_conversations

.PHONY: deny
deny: ## Licenses, banned crates and sources of the dependencies (builds cargo-deny the first time)
	@command -v cargo-deny >/dev/null || [ -x target/tools/bin/cargo-deny ] || \
		$(CARGO) install --locked --root target/tools cargo-deny@$(CARGO_DENY_VERSION)
	PATH="$$PATH:$(CURDIR)/target/tools/bin" $(CARGO) deny --workspace check bans licenses sources
CARGO_DENY_VERSION := 0.20.2

.PHONY: clean-stack
clean-stack: ## Stop what `make demo KEEP=1` left running and remove its files
	@deploy/setup/clean-stack.sh
