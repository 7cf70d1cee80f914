# What the scripts beside this one share: interpreters, virtual environments, the build. To be
# sourced.
# shellcheck shell=bash disable=SC2034

cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENVS=$PWD/.venv-ci
NEWEST=3.13
QUICK="not slow and not packaging" # marks
FIND_FASTWS='import importlib.util, sys; sys.exit(not importlib.util.find_spec("fastws"))'

say() { printf '\n== %s\n' "$*" >&2; }

asked() { [ "${!1:-0}" != 0 ]; }

# 3.12 gives pyenv's newest 3.12, else python3.12; anything else is a command's name or path.
find_python() {
    local candidate
    for candidate in $(printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python |
        sort -rV) "python$1" "$1"; do
        command -v "$candidate" && return
    done
    return 1
}

# make_venv INTERPRETER GROUP...: print the python of a virtual environment that holds these
# dependency groups of pyproject.toml. They are installed again when that file has changed.
make_venv() {
    local base=$1 name dir python group
    shift
    name=$("$base" -c 'import sys
print("%d.%d" % sys.version_info[:2] + getattr(sys, "abiflags", ""))') || return
    dir=$VENVS/$name
    if [ ! -f "$dir/.has-pip" ]; then
        rm -rf "$dir"
        "$base" -m venv "$dir" || return
    fi
    python=$dir/bin/python
    [ -f "$python" ] || python=$dir/Scripts/python.exe
    if [ ! -f "$dir/.has-pip" ]; then
        # Older ones do not know dependency groups.
        "$python" -m pip install -qq --upgrade pip || return
        touch "$dir/.has-pip"
    fi
    for group in "$@"; do
        [ "$dir/.has-$group" -nt pyproject.toml ] && continue
        "$python" -m pip install -qq --group "$group" || return
        touch "$dir/.has-$group"
    done
    echo "$python"
}

# newest_venv GROUP...: the same of the newest interpreter; where it is not, of what there is.
newest_venv() { make_venv "$(find_python "$NEWEST" || echo python3)" "$@"; }

# build_in_place PYTHON: make the checkout importable from anywhere, and compile the core in it
# unless FASTWS_NO_EXTENSIONS says that it is not wanted. What has not changed is not built again.
build_in_place() {
    local python=$1
    "$python" -P -c "$FIND_FASTWS" ||
        FASTWS_NO_EXTENSIONS=1 FASTWS_REQUIRE_EXTENSIONS=0 "$python" -m pip install -qq \
            --no-build-isolation --no-deps --editable . || return
    asked FASTWS_NO_EXTENSIONS ||
        FASTWS_REQUIRE_EXTENSIONS=1 "$python" setup.py --quiet build_ext --inplace
}

# apt_install PACKAGE...: install Debian packages, as root or by sudo. One script at a time does.
apt_install() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    mkdir -p build
    (
        flock 9
        "${sudo[@]}" apt-get update -qq
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qq -y --no-install-recommends "$@" >/dev/null 9>&- # not for services
    ) 9>build/apt.lock
}
