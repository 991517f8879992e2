# What every command test needs. A test file begins
#
#     load helper
#     setup() { runnel_setup; }
#
# and then runs each test in an empty directory of its own, with the commands under test first in PATH and the assertions
# of bats-support and bats-assert at hand. By itself: RUNNEL_BUILD=$PWD/build bats tests/cli/NAME.bats
#
# `run` keeps output in a shell variable and so loses NUL bytes: binary output goes to a file (`tool > out.tns`).
# shellcheck shell=bash

runnel_setup() {
    local root
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    RUNNEL_BUILD=${RUNNEL_BUILD:-$root/build}
    BATS_LIB_PATH=${BATS_LIB_PATH:-/usr/lib/bats}
    PATH=$RUNNEL_BUILD/bin:$PATH
    export RUNNEL_BUILD BATS_LIB_PATH PATH
    bats_load_library bats-support
    bats_load_library bats-assert
    cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs a command with standard output in the file `out` and standard error in `err`, and checks its status:
#   expect STATUS COMMAND...
expect() {
    local wanted=$1 status=0
    shift
    "$@" > out 2> err || status=$?
    if [ "$status" != "$wanted" ]; then
        {
            echo "status $status, not $wanted: $*"
            cat err
        } | fail
    fi
}

# No more memory than so many KiB from here on, in this subshell; sanitizers take more than there is.
memory_limit() {
    case $RUNNEL_BUILD in *asan* | *tsan*) ;; *) ulimit -v "$1" ;; esac
}
