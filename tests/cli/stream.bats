#!/usr/bin/env bats
# Streams under torture, through the commands: what was cut, flipped or claims too much is refused with status 65 and one line,
# quickly and in little memory. The unit test of the same name tries every bit and every cut within one process, and
# tests/torture does through the commands; here a sample of that.

load helper

setup() { runnel_setup; }

@test "cuts, flips and claims of 1 TiB are refused in time and memory" {
    run "$BATS_TEST_DIRNAME/../torture" "$RUNNEL_BUILD" 499
    assert_success
    assert_output --regexp '^[0-9]{3} runs, 0 wrong'
}

@test "claims in foreign formats are refused as data run out, in 16 MiB" {
    printf 'segment profile=x\ntensor w u8 [1099511627776]\n1\nend\n' > claim.txt
    printf "\223NUMPY\001\000\166\000%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }" > claim.npy
    memory_limit $((64 * 1024))
    expect 65 tns import claim.txt
    expect 65 tns import --format npy claim.npy
    grep -q 'the file ends after 0 of 1099511627776 bytes' err
}

@test "a cat of whole streams is a stream, anything else behind END is not" {
    printf 'segment profile=x\nbatch\ncolumn c u8 [*]\n1 2\nend\n' | tns import > a.tns
    cat a.tns a.tns | tns verify
    { cat a.tns; printf x; } | expect 65 tns verify
    { cat a.tns; head -c 100 a.tns; } | expect 65 tns verify
    { printf '\n'; cat a.tns; } | expect 65 tns verify
    # a stream that went through a text-mode transfer
    sed 's/$/\r/' a.tns | expect 65 tns verify
    tr -d '\r' < a.tns | expect 65 tns verify
}

@test "the cause of a failure arrives whatever its bytes are" {
    name=$'caf\xe9 \e[31m\nfile'
    { tns cat "$name" 2> first || true; } | expect 69 tns verify
    run cat err
    assert_output $'tns: standard input: an earlier stage failed: tns: caf\xef\xbf\xbd  [31m file: No such file or directory'
    run cat first
    assert_output 'tns: caf\xE9 \x1B[31m\nfile: No such file or directory'
}

@test "what the fuzz targets learned stays learned" {
    local found=0
    for corpus in "$BATS_TEST_DIRNAME"/../fuzz/corpus/*; do
        "$RUNNEL_BUILD/fuzz/$(basename "$corpus")" "$corpus"
        found=$((found + 1))
    done
    [ "$found" -ge 4 ]
}
