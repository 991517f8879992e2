#!/usr/bin/env bats
# rnn-predict: predictions, scores and the inside of a network beside every token, and text it makes up.

load helper

setup_file() {
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR # runnel_setup goes there
    runnel_setup
    for i in $(seq 40); do
        echo "the cat sat on the mat ."
        echo "a dog saw the cat number $i ."
    done > text.txt
    tokenize --level space text.txt -o lines.tns
    tokenize --level grapheme --item file text.txt -o text.tns
    rnn-train --cell lstm --layers 2 --hidden 20 --by item --batch 8 --epochs 30 --lr 0.02 -q -o item.tns lines.tns
    rnn-train --cell elman --hidden 40 --batch 8 --bptt 20 --epochs 30 --lr 0.01 -q -o char.tns text.tns
}

setup() {
    runnel_setup
    ln -s "$BATS_FILE_TMPDIR"/*.t?? .
}

# The numbers of a column of a stream on standard input, one a line, whatever batches they come in.
column() {
    tns text | awk -v name="$1" '/^(column|end|batch)/ { on = $1 == "column" && $2 == name; next }
        on { for (i = 1; i <= NF; i++) print $i }'
}

# That many lines side by side.
side_by_side() {
    awk -v n="$1" '{ printf "%s%s", $0, NR % n ? " " : "\n" }'
}

@test "what stands beside a token fits together" {
    rnn-predict --model item.tns --emit states,gates,logits,prob,loss --score lines.tns -o all.tns
    tns ls all.tns > listing
    for column in 'state.0  *f[36][24]  *\[[0-9]*,20\]' 'state.0.c ' 'state.1 ' 'state.1.c ' 'gates.0  *f[36][24]  *\[[0-9]*,80\].*i f g o' \
        'gates.1 ' 'logits ' 'prob ' 'loss ' 'logprob ' 'score  *f64  *\[80\]' 'perplexity '; do
        grep -q "^column  $column" listing || fail "no $column in $(cat listing)"
    done
    for name in ids ids.offsets prob loss logprob score perplexity; do column $name < all.tns > $name; done
    # probabilities add up to 1, and that of the word that came is the loss; scores are sums of them
    classes=$(($(wc -l < prob) / $(wc -l < ids)))
    side_by_side $classes < prob | paste -d' ' ids loss logprob - |
        awk '{ sum = 0; for (i = 4; i <= NF; i++) sum += $i; d = sum - 1; e = -log($($1 + 4)) - $2; f = $2 + $3
               if (d * d > 1e-10 || e * e > 1e-8 || f != 0) { print; exit 1 } } END { exit NR < 500 }'
    awk -v scores="$(tr '\n' ' ' < score)" -v offsets="$(tr '\n' ' ' < ids.offsets)" '
        BEGIN { split(scores, score, " "); split(offsets, offset, " ") }
        { sum += $1 } NR == offset[item + 2] { item++; d = sum - score[item]; if (d * d > 1e-12) exit 1; sum = 0 }
        END { exit item != 80 }' logprob
    # h = o tanh(c), from the gates themselves
    for name in state.1 state.1.c gates.1; do column $name < all.tns > $name; done
    side_by_side 20 < state.1 > h
    side_by_side 20 < state.1.c > c
    side_by_side 80 < gates.1 | paste -d' ' h c - | awk '{ for (j = 1; j <= 20; j++) { c = $(20 + j)
        d = $j - $(40 + 60 + j) * (exp(2 * c) - 1) / (exp(2 * c) + 1); if (d * d > 1e-10) exit 1 } }'
    # what is emitted alone is the same
    rnn-predict --model item.tns --emit loss lines.tns | column loss | cmp - loss
    # likeliest words
    rnn-predict --model item.tns lines.tns | column pred.ids > best
    side_by_side $classes < prob |
        awk '{ best = 1; for (i = 2; i <= NF; i++) if ($i > $best) best = i; print best - 1 }' | cmp - best
    assert_equal "$(rnn-predict --model item.tns --text lines.tns | sed -n '1s/^[^ ]* //p')" "cat sat on the mat ."
}

@test "items are scored by themselves where they were trained so, else as one text" {
    # the same lines in another order: the same scores by item
    tac text.txt | tokenize --level space --vocab lines.tns -o reversed.tns
    tokenize --vocab lines.tns /dev/null | rnn-predict --model item.tns --score --text -q > out
    grep -q "^total.0.0.000000.1.000000$" out # and no -0
    expect 0 rnn-predict --model item.tns --score --text lines.tns
    sed '1d; $d' out | cut -f2- | tac > expected
    assert grep -Eq 'rnn-predict: [0-9]+ tokens, [0-9.]+ nats a token, perplexity [0-9.]+$' err
    rnn-predict --model item.tns --score --text reversed.tns -q | sed '1d; $d' | cut -f2- | cmp - expected
    # a text depends on what came before
    head -2 text.txt | tokenize --level grapheme --vocab char.tns -o two.tns
    sed -n 2p text.txt | tokenize --level grapheme --vocab char.tns -o second.tns
    run cmp -s <(rnn-predict -q --model char.tns --score --text two.tns | sed -n 3p | cut -f3) \
        <(rnn-predict -q --model char.tns --score --text second.tns | sed -n 2p | cut -f3)
    assert_failure
}

@test "an item in parts, and batches cut otherwise, change nothing" {
    rnn-predict -q --model char.tns --emit states,loss --score text.tns -o whole.tns
    n=$(column ids < text.tns | wc -l)
    # one item in four parts
    tns text text.tns | awk -v n="$n" '/^batch/ { print "batch 4"; next }
        /^column ids.offsets/ { print "column ids.offsets u64 [5]"; getline; print "0 1 300 1000", n; next }
        /^column continued/ { print "column continued bool [4]"; getline; print "0 1 1 1"; next } { print }' |
        tns import -o parts.tns
    rnn-predict -q --model char.tns --emit states,loss --score parts.tns -o cut.tns
    for name in loss logprob state.0; do
        cmp <(column $name < whole.tns) <(column $name < cut.tns)
    done
    expect 0 rnn-predict --model char.tns --score --text text.tns
    tail -1 out > total
    expect 0 rnn-predict --model char.tns --score --text parts.tns
    tail -1 out | cmp - total
    # the same by item, where a part may begin a batch
    column ids < lines.tns > ids
    tns text lines.tns | sed '/^batch/,$d' > front
    parts() { # ends of the parts, each with a bar behind it that ends a batch
        cat front
        awk -v ends="$*" '{ id[NR] = $1 } END { n = split(ends, word, " ")
            for (i = 1; i <= n; i++) { end = word[i] + 0; count++; offsets = offsets " " end - base; more = more " " (from > 0)
                for (; from < end; from++) list = list " " id[from + 1]
                if (word[i] ~ /[|]$/) { print "batch", count "\ncolumn ids.offsets u64 [" count + 1 "]\n0" offsets "\ncolumn ids u32 [" end - base "]"
                    print list "\ncolumn continued bool [" count "]\n" more; offsets = more = list = ""; count = 0; base = end } }
            print "end" }' ids
    }
    n=$(wc -l < ids)
    parts "$n|" | tns import -o whole.tns
    parts 1 "300|" "303|" 305 305 "420|" "$n|" | tns import -o parts.tns
    for name in loss state.1.c logits; do
        cmp <(rnn-predict -q --model item.tns --emit states,loss,logits whole.tns | column $name) \
            <(rnn-predict -q --model item.tns --emit states,loss,logits parts.tns | column $name)
    done
    cmp <(rnn-predict --model item.tns --score --text whole.tns -q | tail -1) <(rnn-predict --model item.tns --score --text parts.tns -q | tail -1)
    # many columns: the output's batches are smaller, the items the same
    for threads in 1 2 4; do
        rnn-predict -q --threads $threads --model item.tns --emit prob,gates lines.tns -o $threads.tns
        cmp 1.tns $threads.tns
    done
    cat lines.tns lines.tns | rnn-predict --model item.tns --score --text -q | sed '1d; $d' | cut -f2- > twice
    cmp <(head -80 twice) <(tail -80 twice)
}

@test "words of another vocabulary go by their spelling" {
    sed 's/ mat / zebra /' text.txt | tokenize --level space -o other.tns
    run cmp -s <(column ids < lines.tns) <(column ids < other.tns)
    assert_failure
    expect 0 rnn-predict --model item.tns --score --text other.tns
    assert grep -q "40 words are not in the model's vocabulary and count as <unk>" err
    grep -v zebra <(paste <(sed '1d; $d' out | cut -f3) <(sed 's/ mat / zebra /' text.txt)) | cut -f1 > got
    rnn-predict -q --model item.tns --score --text lines.tns | sed '1d; $d' | cut -f3 | paste - text.txt | grep -v ' mat ' | cut -f1 |
        cmp - got
    # predicted ids are those of the stream
    assert_equal "$(rnn-predict -q --model item.tns --text other.tns | sed -n '1s/^[^ ]* //p')" "cat sat on the <unk> ."
}

@test "generated text: the prime, the seed, the temperature, the cuts" {
    expect 0 rnn-predict --model char.tns --generate 200 --prime "the cat" --text
    head -c 7 out | cmp - <(printf 'the cat')
    assert_equal "$(tr -d '\n' < out | wc -c)" "$(tr -d '\n' < out | wc -m)"
    cp out first
    rnn-predict --model char.tns --generate 200 --prime "the cat" --text --threads 1 | cmp - first
    run cmp -s first <(rnn-predict --model char.tns --generate 200 --prime "the cat" --text --seed 2)
    assert_failure
    # the careful ways all come to the likeliest
    rnn-predict --model char.tns --generate 100 --greedy --text > greedy
    rnn-predict --model char.tns --generate 100 --top-k 1 --text | cmp - greedy
    rnn-predict --model char.tns --generate 100 --top-p 1e-9 --text | cmp - greedy
    rnn-predict --model char.tns --generate 100 --temperature 0.001 --text | cmp - greedy
    rnn-predict --model char.tns --generate 100 --top-k 2 --top-p 0.99 --text --seed 3 > some
    run cmp -s some greedy
    assert_failure
    # it has learned to write what it was trained on
    assert grep -q "the cat" greedy

    # as a stream: the same tokens, an item for every line, and the model that wrote it finds it likely
    rnn-predict --model item.tns --generate 60 --seed 5 -o made.tns
    rnn-predict --model item.tns --generate 60 --seed 5 --text > made.txt
    tns text --words made.tns | cmp - made.txt
    assert_equal "$(($(column ids < made.tns | wc -l) + $(wc -l < made.txt) - $(tail -1 made.txt | grep -vc '\.$')))" 60
    column ids < made.tns | awk '$1 < 4 { exit 1 }'
    tns verify made.tns
    # words that no vocabulary has
    expect 0 rnn-predict --model item.tns --generate 3 --prime "the yeti" --text
    assert grep -q "1 words are not" err
    assert grep -q "^the <unk> " out
}

@test "in bf16: the same again for any threads and cuts, near what float says, other bytes" {
    for threads in 1 2 4; do
        rnn-predict --model item.tns --precision bf16 --threads $threads --emit states,logits,loss lines.tns -o half.$threads
        cmp half.1 half.$threads
    done
    rnn-predict --model item.tns --emit states,logits,loss lines.tns -o float.tns
    assert_equal "$(tns ls half.1 | grep -c 'precision=bf16')" 1
    for name in state.1 logits loss; do
        column $name < float.tns > a
        column $name < half.1 > b
        run cmp -s a b
        assert_failure
        paste a b | awk '{ d = $1 - $2; sum += d * d; all += $1 * $1 } END { exit !(sum < 1e-3 * all && NR > 500) }'
    done
    # items beside one another or by themselves
    tns slice 3:5 half.1 | column logits > part
    tns slice 3:5 lines.tns | rnn-predict --model item.tns --precision bf16 --emit logits | column logits | cmp - part
    rnn-predict --model char.tns --precision bf16 --generate 100 --seed 2 --text > one
    rnn-predict --model char.tns --precision bf16 --generate 100 --seed 2 --text --threads 1 | cmp - one
    rnn-predict --model char.tns --precision bf16 --generate 100 --greedy --text | grep -q "the cat"
    expect 0 rnn-predict --model char.tns --precision bf16 --isa plain --generate 5 --text
    assert grep -q 'bf16 is no faster than float here' err
    expect 2 rnn-predict --model char.tns --precision single --generate 5
}

@test "bytes, halves of characters among them, are primed and written as they are" {
    for i in $(seq 30); do printf 'caf\xc3\xa9 na\xc3\xafve\n'; done > bytes.txt
    tokenize --level byte --item file bytes.txt -o bytes.tns
    rnn-train --hidden 16 --batch 4 --bptt 12 --epochs 60 --lr 0.02 -q -o byte-model.tns bytes.tns
    rnn-predict --model byte-model.tns --generate 30 --greedy --prime "$(printf 'caf\xc3')" --text > out
    head -c 12 out | cmp - <(head -c 12 bytes.txt)
}

@test "bad input is refused by name" {
    refused() { # status, message, arguments
        expect "$1" rnn-predict "${@:3}" -q -o no.tns
        assert_equal "$(wc -l < err)" 1
        grep -q -- "$2" err || fail "$(cat err)"
        assert [ ! -e no.tns ]
    }
    refused 2 'give --model' lines.tns
    refused 2 '--emit: .state. is none of' --model item.tns --emit state lines.tns
    refused 2 'give --generate' --model item.tns --greedy lines.tns
    refused 2 'scores nothing' --model item.tns --generate 5 --score
    refused 2 'reads no stream' --model item.tns --generate 5 lines.tns
    refused 2 'above 0 to 1' --model item.tns --generate 5 --top-p 2
    refused 1 'missing.tns' --model missing.tns lines.tns
    refused 65 'lines.tns: ' --model lines.tns lines.tns
    refused 65 'wants tokens or vectors, got model/rnn' --model item.tns char.tns
    head -c 2000 item.tns > cut.tns
    refused 65 'cut.tns: ' --model cut.tns lines.tns
    tns drop rnn.1.bias -i item.tns -o lacks.tns
    refused 65 "lacks.tns: .*'rnn.1.bias'" --model lacks.tns lines.tns
    tns text item.tns | sed 's/^tensor rnn.0.recurrent \(f..\) \[80,20\]/tensor rnn.0.recurrent \1 [40,40]/' | tns import -o shape.tns
    refused 65 "shape.tns: tensor 'rnn.0.recurrent' is .40,40." --model shape.tns lines.tns
    tns text item.tns | sed '/^tensor out.bias/ { n; s/^[^ ]*/nan/ }' | tns import -o nan-model.tns
    refused 65 "nan-model.tns: .*out.bias" --model nan-model.tns lines.tns
    tns text item.tns | sed 's/option.cell=lstm/option.cell=gru9/' | tns import -o cell.tns
    refused 65 "cell.tns: HEAD's option.cell: .*gru9" --model cell.tns lines.tns
    tns text lines.tns | sed '/^column ids u32/,/^end/ s/^4 /99 /' | tns import > beyond.tns
    refused 65 "column 'ids', row [0-9]*: 99 is beyond the vocabulary" --model item.tns beyond.tns
    rnn-predict --model item.tns --emit loss lines.tns -o once.tns
    refused 65 "a column 'loss' already" --model item.tns --emit loss once.tns
    printf 'segment profile=vectors\nbatch 1\ncolumn vec.offsets u64 [2]\n0 1\ncolumn vec f32 [1,2]\n0 nan\ncolumn target u8 [1] over=vec\n1\nend\n' |
        tns import > nan.tns
    sed 's/nan/1/' <(tns text nan.tns) | tns import > one.tns
    rnn-train --hidden 3 --epochs 1 -q -o vec-model.tns one.tns
    refused 65 'row 0.*column 1' --model vec-model.tns nan.tns
    refused 65 'wants vectors' --model vec-model.tns lines.tns
    refused 65 'cannot write text' --model vec-model.tns --generate 5
    tns drop target -i one.tns -o bare.tns
    rnn-predict --model vec-model.tns bare.tns > /dev/null
    refused 65 "no column 'target'" --model vec-model.tns --score bare.tns
    run bash -c 'rnn-predict -q --model item.tns lines.tns > /dev/full'
    assert_failure 1
    run bash -c 'rnn-predict -q --model item.tns --generate 50 --text > /dev/full'
    assert_failure 1
}
