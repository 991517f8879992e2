#!/usr/bin/env bats
# Every cell, from training to prediction: its tensors, a model read again, a run resumed.

load helper

setup() {
    runnel_setup
    for i in $(seq 30); do echo "the cat $i sat on the mat ."; done > text.txt
    tokenize --level space text.txt -o text.tns
}

# Of 10 units: rows of input and recurrent weights, rows of the bias, gates by name.
cells='elman 10 10 z
lstm 40 40 i f g o
lstm-peephole 40 40 i f g o
lstm-peephole-out 40 40 i f g o
gru 30 30 r u n
gru-reset-after 30 40 r u n m'

@test "every cell is saved, loaded and resumed" {
    listed=$(rnn-train --help | sed -n '/--cell/,/--activation/p' | tr -s ' \n' ' ')
    while read -r cell rows bias gates; do
        [[ $listed == *$cell* ]] || fail "--help does not name $cell: $listed"
        common=(--cell "$cell" --layers 2 --hidden 10 --batch 4 --bptt 10 --seed 3 --quiet)
        expect 0 rnn-train "${common[@]}" --epochs 3 -o whole.tns text.tns
        expect 0 tns ls whole.tns
        for tensor in "rnn.1.input .*\[$rows,10\]" "rnn.1.recurrent .*\[$rows,10\]" "rnn.1.bias .*\[$bias\]"; do
            grep -q "$tensor" out || fail "$cell: no $tensor in $(cat out)"
        done
        expect 0 rnn-train "${common[@]}" --epochs 1 --checkpoint half.tns -o one.tns text.tns
        expect 0 rnn-train "${common[@]}" --epochs 3 --checkpoint half.tns --resume -o rest.tns text.tns
        cmp whole.tns rest.tns
        expect 0 rnn-predict --model whole.tns --emit gates,loss -o predicted.tns text.tns
        tns ls predicted.tns | grep -q "gates.1 .*,$bias\].*$gates" || fail "$cell: $(tns ls predicted.tns)"
        rm half.tns
    done <<< "$cells"
}
