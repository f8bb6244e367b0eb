# syntax=docker/dockerfile:1
# Two images from one file:
#
#   docker build -t neurality .                               the product: gateway, worker, migrate, operator commands
#   docker build -t neurality-simulators --target simulators  simulators of Deepgram and OpenAI, and the simulated caller
#
# For several platforms and with an SBOM (the builders run on their own platform; nothing is cross-compiled):
#
#   docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max -t ... --push .
#
# `deploy/image-steps.py` runs the RUN steps below in a clean folder without a container engine, as far as they go.

ARG RUST_VERSION=1.95.0

# --- ONNX Runtime and the Silero weights, out of pinned wheels, by the same script that prepares a workspace -----------------------
FROM docker.io/library/python:3.13-slim-bookworm AS files
WORKDIR /build
COPY deploy/setup deploy/setup
RUN --mount=type=cache,target=/root/.cache/pip \
    deploy/setup/setup.sh --files-only

# --- the executables --------------------------------------------------------------------------------------------------------------
FROM docker.io/library/rust:${RUST_VERSION}-slim-bookworm AS build
ARG RUST_VERSION
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update -qq && apt-get install -qq -y --no-install-recommends build-essential cmake pkg-config
WORKDIR /build
# This image's own toolchain: rust-toolchain.toml would have rustup fetch clippy and rustfmt too.
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION}
COPY . .
# The target folder is a cache, so what is needed is copied out of it, with names for backtraces and without line tables. SQL was checked before: .sqlx is in the source.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    SQLX_OFFLINE=true cargo build --workspace --bins --release --locked && \
    mkdir -p /out && for name in neurality loadtest; do strip --strip-debug -o /out/$name target/release/$name; done

# --- simulators -------------------------------------------------------------------------------------------------------------------
FROM docker.io/library/debian:bookworm-slim AS simulators
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends ca-certificates flite && rm -rf /var/lib/apt/lists/*
# The program looks for its scenarios where it was built.
WORKDIR /build
COPY loadtest/config loadtest/config
COPY loadtest/scenarios loadtest/scenarios
COPY --from=build /out/loadtest /usr/local/bin/loadtest
RUN install -d -o 65532 -g 65532 target
USER 65532:65532
EXPOSE 8101 8102
ENTRYPOINT ["/usr/local/bin/loadtest"]
CMD ["sim", "--deepgram", "0.0.0.0:8101", "--openai", "0.0.0.0:8102"]

# --- the product ------------------------------------------------------------------------------------------------------------------
# cc: ONNX Runtime needs libstdc++. No shell, no package manager; user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot AS product
LABEL org.opencontainers.image.title="Neurality" \
      org.opencontainers.image.description="Telephone voice agents for clinics" \
      org.opencontainers.image.source="https://github.com/neurality-health/voice-agent" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=files /build/target/tools/onnx/libonnxruntime.so /opt/neurality/libonnxruntime.so
COPY --from=files /build/target/tools/models/silero_vad.onnx /opt/neurality/silero_vad.onnx
COPY --from=build /out/neurality /usr/local/bin/neurality
ENV NEURALITY__PROVIDERS__ONNXRUNTIME=/opt/neurality/libonnxruntime.so \
    NEURALITY__PROVIDERS__SILERO_MODEL=/opt/neurality/silero_vad.onnx
USER 65532:65532
EXPOSE 8080 8081
# Of the gateway; a worker's port is 8081 (deploy/compose.yaml). Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s \
    CMD ["/usr/local/bin/neurality", "probe", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["/usr/local/bin/neurality"]
CMD ["gateway"]
