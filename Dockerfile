# Two images from one build: `shop`, the example shop, and `ucanpay`, the command line with the sandbox.
#
#   docker build --target shop --tag ucanpay-shop .
#   docker build --target ucanpay --tag ucanpay .
#
# compose.yaml starts both with PostgreSQL. The keys are never part of an image: mount them.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# SQLite and the TLS library are compiled from C, by the compiler that this image has.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --package axum-shop --package ucanpay-cli \
    && install -D --target-directory=/out target/release/axum-shop target/release/ucanpay

FROM debian:bookworm-slim AS base
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /data ucanpay
USER ucanpay
WORKDIR /data
VOLUME /data
# Orderly: what was begun is finished, and leases are given back.
STOPSIGNAL SIGTERM

FROM base AS ucanpay
COPY --from=build /out/ucanpay /usr/local/bin/
ENTRYPOINT ["ucanpay"]

FROM base AS shop
COPY --from=build /out/axum-shop /usr/local/bin/
ENV LISTEN=0.0.0.0:3000 SHOP_DATA_DIR=/data
EXPOSE 3000
ENTRYPOINT ["axum-shop"]
