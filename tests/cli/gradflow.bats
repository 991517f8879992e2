# shellcheck shell=bash
# rnn-train --gradflow: how far gradients reach back, recorded beside a model.
load helper
setup() {
    runnel_setup
    for k in $(seq 40); do echo "abc abd abe $k"; done | tokenize --level grapheme -o text.tns
}

# Small, quick and with something to validate; further options follow.
train() {
    rnn-train -q --hidden 6 --batch 4 --bptt 9 --epochs 3 --valid 0.1 --lr 0.02 "$@" text.tns
}

# The numbers of a column, separated by blanks.   column FILE NAME
column() {
    tns export --format text "$1" | awk -v name="$2" '
        $1 == "column" || $1 == "end" { on = $2 == name; next } on' | paste -sd' '
}

# Those of a ragged column, a record a line.   records FILE NAME LAGS
records() {
    column "$1" "$2" | xargs -n "$3"
}

@test "a record before training and behind every epoch, for each layer" {
    train --cell elman --layers 2 --gradflow flow.tns -o model.tns
    run column flow.tns epoch
    assert_output "0 0 1 1 2 2 3 3"
    run column flow.tns layer
    assert_output "0 1 0 1 0 1 0 1"
    tns ls flow.tns > list
    run grep -c '^column *\(flow.c\|direction\) ' list
    assert_output 0
    grep -q 'saturation .*\[8,1\] *gates=h' list
    grep -q 'flow.h  .*\[72\] *rows=8' list
    grep -q 'bound  .*\[72\] *over=flow.h' list
    # at lag 0 the norm is that of the identity; no norm is above the bound times it
    records flow.tns flow.h 9 > norms
    records flow.tns bound 9 > bounds
    run awk '{ print ($1 - sqrt(6)) ^ 2 < 1e-20 }' norms
    assert_output "$(yes 1 | head -n 8)"
    run awk 'NR == FNR { for (k = 1; k <= NF; k++) n[NR, k] = $k; next }
             { for (k = 1; k <= NF; k++) bad += n[FNR, k] > sqrt(6) * $k * 1.00001 || n[FNR, k] <= 0 } END { print NR, bad + 0 }' norms bounds
    assert_output "16 0"
    tns-plot gradflow flow.tns -o flow.png
    tns-plot gradflow --saturation flow.tns -o gates.png
}

@test "recording changes nothing, is the same for any threads, and goes on where a run does" {
    train --cell lstm --gradflow flow.tns -o model.tns
    train --cell lstm -o plain.tns
    cmp model.tns plain.tns
    for threads in 1 2 4; do
        train --cell lstm --threads $threads --gradflow again.tns -o again-model.tns
        cmp flow.tns again.tns
    done
    train --cell lstm --gradflow first.tns --checkpoint run.tns --epochs 1 -o first-model.tns
    tns ls run.tns | grep -q 'pos.gradflow.flow.h '
    train --cell lstm --gradflow resumed.tns --checkpoint run.tns --resume -o resumed-model.tns
    tns export --format text flow.tns | sed 1d > flow.txt
    tns export --format text resumed.tns | sed 1d | cmp - flow.txt
    # a run that had ended writes its records again
    train --cell lstm --gradflow ended.tns --checkpoint run.tns --resume -o ended-model.tns
    cmp resumed.tns ended.tns
    # without --gradflow they are dropped; a run that begins to record later records from there
    train --cell lstm --checkpoint run.tns --resume --epochs 4 -o plain.tns
    run grep -c pos.gradflow <(tns ls run.tns)
    assert_output 0
    train --cell lstm --gradflow late.tns --checkpoint run.tns --resume --epochs 5 -o plain.tns
    run column late.tns epoch
    assert_output "4 5"
}

@test "what each cell records" {
    local cell
    for cell in lstm:i,f,g,o:flow.c lstm-peephole:i,f,g,o:flow.c lstm-peephole-out:i,f,g,o:flow.c gru:r,u,n: \
        gru-reset-after:r,u,n: elman:h:bound; do
        IFS=: read -r name gates extra <<< "$cell"
        train --cell "$name" --epochs 1 --gradflow flow.tns -o model.tns
        tns ls flow.tns > list
        grep -q "gates=$gates\$" list
        run awk '$1 == "column" && ($2 == "flow.c" || $2 == "bound") { print $2 }' list
        assert_output "$extra"
    done
    # fewer rows, other means; saturation is over all of them
    train --cell gru --epochs 1 --gradflow all.tns -o model.tns
    train --cell gru --epochs 1 --gradflow one.tns --gradflow-rows 1 -o model.tns
    run grep -c rows=1$ <(tns ls one.tns)
    assert_output 1
    assert_not_equal "$(column all.tns flow.h)" "$(column one.tns flow.h)"
    assert_equal "$(column all.tns saturation)" "$(column one.tns saturation)"
}

@test "a run that fails publishes no records, and they overwrite nothing" {
    expect 3 train --cell elman --activation relu --optimizer sgd --lr 1e6 --clip 0 --gradflow flow.tns -o model.tns
    assert [ ! -e flow.tns ]
    assert [ ! -e model.tns ]
    cp text.tns kept.tns
    expect 2 train --gradflow text.tns -o model.tns
    cmp text.tns kept.tns
    expect 2 train --gradflow same.tns -o same.tns
    expect 2 train --gradflow same.tns --checkpoint same.tns -o model.tns
    expect 2 train --gradflow same.tns --log same.tns -o model.tns
    expect 1 train --gradflow missing/flow.tns -o model.tns
    assert [ ! -e model.tns ]
    expect 1 train --gradflow /dev/full --epochs 1 -o model.tns
    assert [ ! -e model.tns ]
    expect 2 train --gradflow flow.tns --gradients gradients.tns
    run cat err
    assert_output --partial "--gradients trains nothing"
}

@test "both directions, items of their own lengths, and a whole item without bptt" {
    tns import --format text -o text.tns << 'END'
segment profile=vectors
batch 4
column vec.offsets u64 [5]
0 7 8 8 12
column vec f32 [12,2]
1 2 3 4 5 6 7 8 9 8 7 6 5 4
1 1
2 1 2 1 1 2 2 1
column tags u32 [12] over=vec
0 1 0 1 0 1 1 0 1 1 0 0
end
END
    rnn-train -q --task tag --bidirectional --cell gru --hidden 5 --layers 2 --epochs 1 --gradflow flow.tns text.tns -o model.tns
    assert_equal "$(column flow.tns direction)" "0 1 0 1 0 1 0 1"
    assert_equal "$(column flow.tns layer)" "0 0 1 1 0 0 1 1"
    assert_equal "$(column flow.tns flow.h.offsets)" "0 7 14 21 28 35 42 49 56"
    run grep -c nan <(tns export --format text flow.tns)
    assert_output 0
    tns-plot gradflow --layer 1 --epoch last flow.tns -o flow.svg
    run grep -c '</svg>' flow.svg
    assert_output 1
    # an IRNN is the identity before training: every lag as good as any other
    rnn-train -q --task tag --cell elman --activation relu --init-recurrent identity --hidden 4 --epochs 1 --gradflow flow.tns \
        text.tns -o model.tns
    assert_equal "$(column flow.tns bound | cut -d' ' -f 1-7)" "1 1 1 1 1 1 1"
}
