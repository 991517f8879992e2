# README.md keeps its word: every `sh` block runs as it stands, all of them in turn in one directory, and prints what the `text`
# block right behind it says.

load helper

setup() {
    runnel_setup
    readme=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/README.md
}

# Writes the blocks to 01.sh, 01.text, 02.sh, ...
blocks() {
    awk '
        /^```(sh|text)$/ {
            kind = substr($0, 4)
            if (kind == "sh") file = sprintf("%02d.sh", ++n)
            else if (behind) file = sprintf("%02d.text", n)
            else next
            printf "" > file
            next
        }
        /^```/ { behind = file ~ /sh$/; if (file) close(file); file = ""; next }
        file { print > file; next }
        NF { behind = 0 }
    ' "$readme"
}

@test "every command block of the README runs and prints what it says" {
    [ -e /usr/share/common-licenses/GPL-3 ] || skip "no /usr/share/common-licenses/GPL-3 (Debian's base-files has it)"
    blocks
    assert [ -s 01.sh ]
    for block in [0-9][0-9].sh; do
        name=${block%.sh}
        bash -euo pipefail "$block" > "$name.out" 2> "$name.err" < /dev/null || {
            echo "status $? from this block of README.md:" >&2
            cat "$block" "$name.out" "$name.err" | fail
        }
        [ -f "$name.text" ] || continue
        diff "$name.text" "$name.out" > "$name.diff" || {
            echo "README.md shows other output (<) than this block has (>):"
            cat "$block" "$name.diff"
        } | fail
    done
}

@test "the README names every tool, and files that are there" {
    root=$(dirname "$readme")
    for tool in "$root"/tools/*.c; do
        assert grep -q "\`$(basename "$tool" .c)\`" "$readme"
    done
    for file in $(grep -oE '\b(pipelines|tests|lib)/[a-z0-9_/.-]+[a-z0-9]' "$readme"); do
        [ -e "$root/$file" ] || fail "README.md names $file, which is not there"
    done
}
