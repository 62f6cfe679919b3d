# The server and the operator's tool. compose.yaml builds it; nothing else needs it.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends clang libclang-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /duolog
COPY . .
# RocksDB is compiled, too: 10 to 20 minutes on two cores.
RUN cargo build --locked --release --workspace --bins

FROM debian:bookworm-slim
COPY --from=build /duolog/target/release/duolog /duolog/target/release/duolog-replay /usr/local/bin/
WORKDIR /var/lib/duolog
ENTRYPOINT ["duolog"]
CMD ["serve"]
