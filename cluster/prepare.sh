# What quickstart and test both need before they build: Debian's packages and a Swift toolchain.
# Sourced, not run; needs `here` to be the repository's root.

# The Debian packages and what each is for.
packages='postgresql tzdata libpq-dev libnghttp2-dev zlib1g-dev pkg-config gcc libc6-dev libstdc++-12-dev git python3 util-linux'

# What counts is that the thing is there, not which package brought it.
has() {
    case "$1" in
    libnghttp2-dev) pkg-config --exists libnghttp2 2>/dev/null ;;
    *) false ;;
    esac
}

missing_packages() {
    for package in $packages; do
        has "$package" && continue
        status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || status=
        case "$status" in
        *'ok installed') ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

prepare() {
    if [ "$(uname -s)" != Linux ] || ! command -v dpkg-query >/dev/null 2>&1; then
        echo "This script installs Debian packages, and this is not Debian. Install what corresponds to:"
        echo "  $packages"
        echo "and Swift 6.2 or newer, then build with: swift build -c release"
        exit 1
    fi
    missing=$(missing_packages)
    if [ -n "$missing" ]; then
        root=
        if [ "$(id -u)" -ne 0 ]; then
            command -v sudo >/dev/null 2>&1 || {
                echo "Missing packages: $missing"
                echo "Next:  as root: apt-get install $missing"
                exit 1
            }
            root=sudo
        fi
        echo "Installing Debian packages: $missing"
        # The distribution starts a server of its own at installation; ours is embedded, so it is
        # told not to.
        $root sh -c "mkdir -p /etc/postgresql-common &&
            { [ -e /etc/postgresql-common/createcluster.conf ] ||
              echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; }"
        $root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        # shellcheck disable=SC2086 # a list of words
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    fi
    # Toolchains are unpacked, not installed: look where they usually lie.
    for place in "$HOME/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin; do
        command -v swift >/dev/null 2>&1 || { [ -x "$place/swift" ] && PATH=$place:$PATH && export PATH; } || true
    done
    if ! command -v swift >/dev/null 2>&1; then
        echo "Swift is not installed, and Debian has no package of it that is new enough."
        echo "Next:  install Swift 6.2 or newer as https://www.swift.org/install/linux/ says, then run this again"
        exit 1
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    # shellcheck disable=SC2086 # two words
    set -- $version
    if [ "${1:-0}" -lt 6 ] || { [ "$1" -eq 6 ] && [ "$2" -lt 2 ]; }; then
        echo "Swift ${1:-?}.${2:-?} is too old; 6.2 or newer is needed."
        echo "Next:  https://www.swift.org/install/linux/"
        exit 1
    fi
}

# Builds the program for release.
build() {
    echo "Building opsroom (the first time takes some minutes)"
    if [ -t 2 ]; then
        swift build -c release --product opsroom
    else
        # What the compiler says is only shown when it fails.
        log=$(mktemp)
        trap 'rm -f "$log"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        if ! swift build -c release --product opsroom >"$log" 2>&1; then
            cat "$log" >&2
            exit 1
        fi
        # The program takes this shell's place, and with it what the shell would do at its exit.
        rm -f "$log"
        trap - EXIT INT TERM
    fi
}

# What the page shows better with, and does without: fonts, and what reads markdown.
page_packages='fonts-inter-variable fonts-jetbrains-mono libjs-marked'

# What only the tests need: other implementations of HTTP/2 to talk to. Nothing here ends the tests: a
# peer that cannot be had is named once, and OPSROOM_PEERS_ABSENT tells the tests to show it as skipped.
peer_packages='curl nghttp2-client nghttp2-server nodejs node-typescript openjdk-17-jdk-headless
    chromium-headless-shell python3-venv'

# The program that shows that a package's peer is there.
peer_program() {
    case "$1" in
    curl) echo curl ;;
    nghttp2-client) echo h2load ;;
    nghttp2-server) echo nghttpd ;;
    nodejs) echo node ;;
    node-typescript) echo tsc ;;
    openjdk-17-jdk-headless) echo java ;;
    chromium-headless-shell) echo chromium-headless-shell ;;
    esac
}

has_peer() {
    case "$1" in
    chromium)
        for name in chromium-headless-shell chromium chromium-browser google-chrome; do
            command -v "$name" >/dev/null 2>&1 && return 0
        done
        return 1 ;;
    java) # Without this file it starts, but knows no TLS.
        java=$(command -v java) &&
            [ -e "$(dirname "$(readlink -f "$java")")/../conf/security/java.security" ] ;;
    python-h2) "$OPSROOM_PEERS_PYTHON" -c 'import h2' >/dev/null 2>&1 ;;
    python-httpx) "$OPSROOM_PEERS_PYTHON" -c 'import h2, httpx' >/dev/null 2>&1 ;;
    python-hypercorn) "$OPSROOM_PEERS_PYTHON" -c 'import h2, hypercorn' >/dev/null 2>&1 ;;
    playwright) "$OPSROOM_PEERS_PYTHON" -c 'import playwright, axe_playwright_python' >/dev/null 2>&1 ;;
    small-disk) # A test of a full disk mounts a small file system that nobody else sees.
        unshare -m mount -t tmpfs -o size=1m small /mnt >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# Debian's peers that are missing and that some package source offers.
wanted_peer_packages() {
    for package in $page_packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && continue
        if is_offered "$package"; then printf '%s ' "$package"; fi
    done
    for package in $peer_packages; do
        if [ "$package" = chromium-headless-shell ]; then
            has_peer chromium && continue
        elif [ "$package" = python3-venv ]; then
            # Debian's Python makes environments, but without pip unless it has this.
            python3 -c 'import ensurepip' >/dev/null 2>&1 && continue
        elif command -v "$(peer_program "$package")" >/dev/null 2>&1; then
            continue
        fi
        if is_offered "$package"; then
            printf '%s ' "$package"
        elif [ "$package" = chromium-headless-shell ] && is_offered chromium; then
            printf 'chromium '
        fi
    done
}

# Whether a package source has it.
is_offered() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

# Peers that are not here.
absent_peers() {
    for peer in nghttp nghttpd h2load python-h2 python-httpx python-hypercorn chromium curl node tsc java \
        playwright small-disk; do
        has_peer "$peer" || printf '%s ' "$peer"
    done
}

prepare_peers() {
    root=
    [ "$(id -u)" -eq 0 ] || root='sudo -n'
    # Fresh images come without lists of packages.
    if ! has_peer nghttpd || ! has_peer chromium || ! has_peer tsc; then
        $root timeout 120 apt-get update -qq >/dev/null 2>&1 || true
    fi
    wanted=$(wanted_peer_packages)
    if [ -n "$wanted" ]; then
        echo "Installing peers for the tests: $wanted"
        # shellcheck disable=SC2086 # lists of words
        $root env DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq \
            --no-install-recommends $wanted || echo "Some of them could not be installed."
    fi
    OPSROOM_PEERS_PYTHON=${OPSROOM_PEERS_PYTHON:-"$here/.build/peers-venv/bin/python"}
    export OPSROOM_PEERS_PYTHON
    if ! { has_peer python-h2 && has_peer python-httpx && has_peer python-hypercorn && has_peer playwright; }; then
        # Playwright brings no browser of its own here: the distribution's is driven.
        python3 -m venv .build/peers-venv >/dev/null 2>&1 &&
            timeout 240 .build/peers-venv/bin/python -m pip install --quiet --timeout 15 --retries 1 \
                --disable-pip-version-check h2 'httpx[http2]' hypercorn playwright axe-playwright-python \
                >/dev/null 2>&1 || true
    fi
    absent=$(absent_peers)
    if [ -n "$absent" ]; then
        echo "----------------------------------------------------------------------------"
        echo "NOT VERIFIED on this machine: $absent"
        echo "These programs are not installed and no package source offers them, so the"
        echo "tests that talk to them are skipped (small-disk: only root may mount one, where"
        echo "the machine lets it; so no disk is full). Everything else is tested."
        echo "Next:  give this machine Debian's package sources and PyPI, and run this again"
        echo "----------------------------------------------------------------------------"
    fi
    OPSROOM_PEERS_ABSENT=$absent
    export OPSROOM_PEERS_ABSENT
}
