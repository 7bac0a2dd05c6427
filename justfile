# Lists the commands.
default:
    @just --list

# The main job: a server, a consumer and a producer in one process.
quickstart:
    cargo run --example quickstart

# Retrying by publishing a copy, both ways.
retry-by-republishing:
    cargo run --example retry_by_republishing

# All tests.
test:
    cargo test --workspace

# The official SDKs for Python and TypeScript, from their registries, against the program.
sdk:
    QSTASH_CI=1 cargo test -p qstash-mock-server-cli --test it sdk::

# What CI runs.
ci:
    .ci/run

# The engine against its model, with more cases.
sim cases="2000":
    PROPTEST_CASES={{cases}} cargo test -p qstash-tests --no-default-features --test sim

# The load benchmark.
bench:
    cargo bench -p qstash-mock-server --bench load
