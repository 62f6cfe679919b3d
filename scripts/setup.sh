#!/usr/bin/env bash
# Installs what a build or the tests need and the machine lacks, or says in a sentence what to install.
#
#   setup.sh build      a C++ compiler, libclang (for RocksDB's bindings), curl, the pinned Rust toolchain
#   setup.sh test       the same, a Python environment with the client libraries that the tests drive, a Kafka broker and a
#                       server of the S3 protocol
#   setup.sh announce   how long the first build takes, if this is the first
#   setup.sh not-run T  what target T did not run
set -euo pipefail
cd "$(dirname "$0")/.."

# Where the official installer of Rust comes from, for machines whose distribution has no package of it.
RUSTUP_INSTALLER=https://sh.rustup.rs
PYTHON_PACKAGES=(confluent-kafka==2.16.1 duckdb==2.0.1 msgpack==1.2.4 requests==2.32.5 tencentcloud-sdk-python-im==0.9.4
  tls-sig-api-v2==1.1)

# The versions of the broker and of the object store, and how their jars are copied; tests/broker/*pom.xml name them.
KAFKA=4.1.0
S3PROXY=2.6.0
MAVEN_COPY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies

say() { printf '%s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages: as root, or with a sudo that asks nothing.
install_packages() {
  local as_root=()
  if ! have apt-get; then
    die "missing: $*. These are Debian's names; install what your system calls them, then try again."
  elif [ "$(id -u)" != 0 ]; then
    { have sudo && sudo -n true; } 2>/dev/null || die "missing: $*. Install them with: sudo apt-get install $*"
    as_root=(sudo -n)
  fi
  say "installing with apt-get: $*"
  "${as_root[@]}" apt-get update -qq || say "setup: the package lists could not be refreshed; going on with the old ones"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    die "apt-get could not install: $*"
}

has_libclang() {
  compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || compgen -G '/usr/lib*/libclang*.so*' >/dev/null ||
    compgen -G '/usr/lib/*-linux-*/libclang*.so*' >/dev/null || [ -n "${LIBCLANG_PATH:-}" ]
}

system_packages() {
  local missing=()
  have c++ || missing+=(g++)
  have clang || missing+=(clang)
  has_libclang || missing+=(libclang-dev)
  have curl || missing+=(curl ca-certificates)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# The toolchain that rust-toolchain.toml pins, with clippy and rustfmt.
rust() {
  local channel
  channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  if ! have rustup && ! have cargo; then
    # `apt-cache show` is content with a name that no package has: Debian 12 knows rustup by name only.
    if have apt-cache && [[ $(apt-cache policy rustup 2>/dev/null) == *'Candidate: '[0-9]* ]]; then
      install_packages rustup
    else
      say "installing rustup from $RUSTUP_INSTALLER into ~/.cargo (no Debian package of it here)"
      curl --proto '=https' --tlsv1.2 -sSf "$RUSTUP_INSTALLER" |
        sh -s -- -y -q --no-modify-path --profile minimal --default-toolchain none ||
        die "rustup could not be installed; install Rust $channel by hand (https://rustup.rs), then try again"
    fi
  fi
  if have rustup; then
    cargo --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 ||
      rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt ||
      die "Rust $channel could not be installed; try: rustup toolchain install $channel"
  else
    local version
    version=$(cargo --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$channel" "$version" | sort -V | head -n 1)" = "$channel" ] ||
      die "cargo is $version and duolog needs Rust $channel; install rustup (https://rustup.rs), then try again"
  fi
}

python_environment() {
  local venv=$DUOLOG_CACHE/venv
  local installed=$venv/packages.txt
  [ "$(cat "$installed" 2>/dev/null)" != "${PYTHON_PACKAGES[*]}" ] || return 0
  python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3 python3-venv
  say "fetching from PyPI: ${PYTHON_PACKAGES[*]}"
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${PYTHON_PACKAGES[@]}" ||
    die "pip could not install: ${PYTHON_PACKAGES[*]}"
  printf '%s\n' "${PYTHON_PACKAGES[*]}" >"$installed"
}

# Apache Kafka and an object store as plain jars, which the tests run with Java: no container, no service.
kafka_broker() {
  jars "kafka-$KAFKA" "kafka-clients-$KAFKA.jar" pom.xml "Apache Kafka $KAFKA, 93 jars, 54 MB"
}

object_store() {
  jars "s3proxy-$S3PROXY" "s3proxy-$S3PROXY.jar" store-pom.xml "S3Proxy $S3PROXY, 72 jars, 20 MB"
}

# Copies what a file of tests/broker names into a folder of the cache, whole or not at all.
jars() {
  local folder=$DUOLOG_CACHE/$1 jar=$2 pom=tests/broker/$3 what=$4 missing=()
  have java || missing+=(default-jre-headless)
  [ -e "$folder/$jar" ] || have mvn || missing+=(maven)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  [ ! -e "$folder/$jar" ] || return 0
  say "fetching from Maven Central: $what"
  rm -rf "$folder" "$folder.part"
  mvn -q -B -f "$pom" "$MAVEN_COPY" -DincludeScope=runtime -DoutputDirectory="$folder.part" ||
    die "Maven could not fetch the jars of $what"
  mv "$folder.part" "$folder"
}

# Every clone on a machine shares the target directory, and cargo tells sources by their times alone: what another clone has
# compiled of duolog is forgotten, so that it is not taken for this one's. What it has compiled of RocksDB and others stays.
forget_other_clone() {
  [ -n "${CARGO_TARGET_DIR:-}" ] || return 0
  local clone=$CARGO_TARGET_DIR/clone
  [ "$(cat "$clone" 2>/dev/null)" != "$PWD" ] || return 0
  rm -rf "$CARGO_TARGET_DIR"/release/.fingerprint/duolog*
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s\n' "$PWD" >"$clone"
}

announce() {
  [ ! -e "$CARGO_TARGET_DIR/release/build" ] || return 0
  say "The first build compiles RocksDB and librdkafka from source: 10 to 20 minutes on 2 cores, less on more."
  say "It stays in $CARGO_TARGET_DIR, so later builds take a minute. Cargo tells what it compiles:"
}

case "${1:-}" in
  build)
    system_packages
    rust
    forget_other_clone
    ;;
  test)
    say "Fetched if missing: a C++ compiler, libclang, curl, Rust (see rust-toolchain.toml), crates, from PyPI: ${PYTHON_PACKAGES[*]}," \
      "Java, and with Maven the jars of Apache Kafka $KAFKA (54 MB) and of S3Proxy $S3PROXY (20 MB)."
    system_packages
    rust
    python_environment
    kafka_broker
    object_store
    forget_other_clone
    ;;
  announce) announce ;;
  not-run)
    if [ "${2:-}" = test-quick ]; then
      say "Not run by make test-quick: the Python readers of the topics, DuckDB over exports, the third-party client, and the" \
        "tests against a real Kafka broker or object store, which have with_broker or with_store in their names (make test" \
        "runs them)."
    fi
    ;;
  *) die "usage: setup.sh build|test|announce|not-run TARGET" ;;
esac
