# What quickstart and test both need before they build: Debian's packages and a Swift toolchain.
# Sourced, not run; needs `here` to be the repository's root.

# The Debian packages and what each is for.
packages='postgresql libpq-dev libnghttp2-dev pkg-config gcc libc6-dev libstdc++-12-dev git python3 util-linux'

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
