#!/usr/bin/env bats
# Every task end to end: a tiny network is trained, and what it predicts is put beside what its own columns say.

load helper

setup_file() {
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR # runnel_setup goes there
    runnel_setup
    # sentences whose words have tags, and whose first word decides on the label
    for i in $(seq 40); do
        [ $((i % 2)) = 0 ] && first=good || first=bad
        printf '%s\tADJ\ndog\tNOUN\n' $first
        [ $((i % 3)) = 0 ] || printf 'barks\tVERB\n'
        [ $((i % 5)) = 0 ] && printf 'loudly\tADV\n'
        echo
    done > tagged.txt
    conllu tagged.txt > tagged.conllu
    awk '/^$/ { if (n) print label "\t" line; n = 0; line = ""; next }
         { if (!n++) label = $1 == "good" ? "yes" : "no"; line = line " " $1 }' tagged.txt > labeled.txt
    tokenize --input conllu tagged.conllu -o tagged.tns
    tokenize --input labeled labeled.txt -o labeled.tns
    rnn-train --task tag --bidirectional --layers 2 --hidden 6 --embed-dim 5 --batch 8 --epochs 12 --optimizer adam --lr 0.03 -q \
        -o tagger.tns tagged.tns
    rnn-train --task classify --cell gru --pool mean --hidden 8 --batch 8 --epochs 12 --optimizer adam --lr 0.03 -q \
        -o judge.tns labeled.tns
    # a turning pen: dx, dy and whether it is lifted
    awk 'BEGIN { for (i = 0; i < 12; i++) { for (t = 0; t < 10 + i; t++)
        printf "%.4f,%.4f,%d\n", cos((t + i) / 2), sin((t + i) / 2), t % 6 == 5; print "" } }' > pen.csv
    tns import --format csv pen.csv -o pen.tns
    rnn-train --task regress --hidden 10 --batch 4 --epochs 20 --optimizer adam --lr 0.02 -q -o next.tns pen.tns
    rnn-train --task regress --head mixture --mixtures 2 --hidden 10 --batch 4 --epochs 20 --optimizer adam --lr 0.02 -q \
        -o writer.tns pen.tns
    # pictures of two pixels and what they are called
    awk 'BEGIN { print "segment profile=tensors\nbatch 30\ncolumn feature f32 [30,2]"
        for (i = 0; i < 30; i++) print i % 2, (i % 3) / 2; print "end" }' | tns import -o pictures.tns
    awk 'BEGIN { for (i = 0; i < 30; i++) print(i % 2 ? "a white cat" : "the dog") }' > names.txt
    tokenize --level space names.txt | tns paste - pictures.tns > captioned.tns
    rnn-train --task caption --embed-dim 4 --hidden 8 --batch 6 --epochs 30 --optimizer adam --lr 0.05 -q \
        -o caption.tns captioned.tns
}

setup() {
    runnel_setup
    ln -s "$BATS_FILE_TMPDIR"/*.{tns,txt,csv,conllu} .
}

# Lines `word TAB tag` as a treebank.
conllu() {
    awk -F'\t' '/^$/ { n = 0; print; next } { print ++n "\t" $1 "\t_\t" $2 "\t_\t_\t_\t_\t_\t_" }' "$1"
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

refused() { # status, message, arguments
    expect "$1" rnn-predict "${@:3}" -q -o no.tns
    assert_equal "$(wc -l < err)" 1
    grep -q -- "$2" err || fail "$(cat err)"
    assert [ ! -e no.tns ]
}

@test "tags: classes, probabilities, losses and states of both directions" {
    rnn-predict -q --model tagger.tns tagged.tns -o tags.tns
    rnn-predict -q --model tagger.tns --emit states,gates,prob,loss --score tagged.tns -o all.tns
    tns ls all.tns > listing
    for name in state.0 state.0.c state.0.reverse state.0.reverse.c state.1.reverse gates.0 gates.1.reverse score; do
        grep -q "^column  $name " listing || fail "no $name in $(cat listing)"
    done
    for name in tags prob loss; do column $name < all.tns > $name; done
    column pred.tags < tags.tns > pred
    side_by_side 4 < prob | paste -d' ' tags loss pred - | awk '{ best = 4; for (i = 5; i <= 7; i++) if ($i > $best) best = i
        d = -log($($1 + 4)) - $2; if (best - 4 != $3 || d * d > 1e-8) { print; exit 1 } } END { exit NR < 100 }'
    # the reverse direction reads from the end: behind the last word stands what that word alone would leave
    printf 'dog\tNOUN\n\n' > dog.txt
    conllu dog.txt | tokenize --input conllu --vocab tagged.tns | rnn-predict --model tagger.tns --emit states | column state.0.reverse |
        cmp - <(tns slice 2:3 all.tns | column state.0.reverse | tail -6)
    expect 0 rnn-predict --model tagger.tns --report tagged.tns
    paste tags pred | awk '{ right += $1 == $2 } END { printf "accuracy\t%.4f\nnumber\t%d\nunseen\t0\n", right / NR, NR }' > sums
    head -3 out | cmp - sums
    awk -F'\t' 'NR > 5 && ($2 == 0 || $5 < 0.9) { exit 1 }' out
    assert_equal "$(sed -n '5p' out)" "$(printf 'class\tcount\tprecision\trecall\tF1')"
    # words and tags, whatever brings the words
    rnn-predict --model tagger.tns --text tagged.tns > text
    awk '/^$/ { print line; line = ""; next } { line = line (line ? " " : "") $1 "/" $2 }' tagged.txt | cmp - text
    tokenize --input conllu --vocab tagged.tns --keep-text tagged.conllu | rnn-predict --model tagger.tns --text | cmp - text
}

@test "items run together come to what they come to alone, for any number of threads" {
    for model in tagger judge; do
        data=tagged && [ $model = judge ] && data=labeled
        rnn-predict -q --model $model.tns --emit states,logits,loss --score $data.tns -o whole.tns
        for threads in 2 4; do
            rnn-predict -q --threads $threads --model $model.tns --emit states,logits,loss --score $data.tns | cmp - whole.tns
        done
        for i in $(seq 0 39); do
            tns slice "$i:$((i + 1))" $data.tns | rnn-predict -q --model $model.tns --emit states,logits,loss --score
        done > alone.tns
        for name in state.0 logits loss score; do
            cmp <(column $name < whole.tns) <(column $name < alone.tns)
        done
    done
}

@test "classes go by their names; unseen ones are counted and wrong" {
    tns drop tags 'tag.*' -i tagged.tns -o words.tns
    rnn-predict --model tagger.tns words.tns -o named.tns
    cmp <(tns text named.tns | sed -n '/^tensor tag.vocab.text /,/^tensor/p') \
        <(tns text tagger.tns | sed -n '/^tensor tag.vocab.text /,/^tensor/p')
    rnn-predict --model tagger.tns --text tagged.tns | cmp - <(rnn-predict --model tagger.tns --text words.tns)
    # other data number the tags otherwise, have one that the model lacks, and lack some
    printf 'loudly\tADV\n\ndog\tNOUN\ndog\tNOUN\nbarks\tX\n\n' > other.txt
    conllu other.txt | tokenize --input conllu -o other.tns 2> /dev/null
    rnn-predict --model tagger.tns other.tns -o predicted.tns
    names() { tns text "$1" | sed -n '/^tensor tag.vocab.text /,/^tensor/ { /^tensor/d; p; }' | tr -d '\n"'; }
    assert_equal "$(names other.tns)" "NOUNADVX"
    assert_equal "$(names predicted.tns | head -c 8)" "NOUNADVX"
    assert_equal "$(names predicted.tns | wc -c)" 15 # and VERB and ADJ
    cmp <(column tags < other.tns) <(column tags < predicted.tns)
    expect 0 rnn-predict --model tagger.tns --report other.tns
    assert grep -q "rnn-predict: 1 targets are of classes that the model does not know" err
    cp out report
    assert_equal "$(sed -n '2,3p' report)" "$(printf 'number\t4\nunseen\t1')"
    assert grep -q "^X.1.0.0000.0.0000.0.0000$" report
    rnn-predict --model tagger.tns --text other.tns | tr ' /' '\n\t' |
        paste - <(grep . other.txt | cut -f2) | awk '{ right += $2 == $3 } END { printf "accuracy\t%.4f\n", right / NR }' |
        cmp - <(head -1 report)
    rnn-predict -q --model tagger.tns --emit loss --score other.tns -o loss.tns
    assert_equal "$(column loss < loss.tns | grep -c inf)" 1
    assert_equal "$(column score < loss.tns | grep -c inf)" 1
    # names on one side only
    tns drop 'tag.*' -i tagged.tns -o nameless.tns
    refused 65 "classes in 'tags' have no names" --model tagger.tns nameless.tns
    tns drop 'tag.*' -i tagger.tns -o numbers.tns
    refused 65 "classes in 'tags' have names" --model numbers.tns tagged.tns
    rnn-predict --model numbers.tns --report nameless.tns | head -3 | cmp - \
        <(rnn-predict --model tagger.tns --report tagged.tns | head -3)
    assert_equal "$(rnn-predict --model numbers.tns --text nameless.tns | sed -n 1p)" "$(rnn-predict --model numbers.tns nameless.tns |
        column pred.tags | head -"$(sed -n '/^$/{=;q}' tagged.txt | awk '{ print $1 - 1 }')" | paste -sd' ')"
}

@test "labels: of items, with probabilities and confusions" {
    rnn-predict --model judge.tns --text labeled.tns > text
    cmp <(cut -f1 text) <(cut -f1 labeled.txt)
    rnn-predict -q --model judge.tns --emit prob,loss labeled.tns -o all.tns
    column prob < all.tns | side_by_side 2 | paste - text <(column loss < all.tns) | awk '{ best = $1 > $2 ? $1 : $2
        d = best - $4; e = -log(best) - $5; if (d * d > 1e-11 || e * e > 1e-8 || ($1 + $2 - 1) ^ 2 > 1e-10) { print; exit 1 } }
        END { exit NR != 40 }'
    sed 's/^no/yes/; 1s/.*/perhaps\tgood dog/' labeled.txt | tokenize --input labeled -o all-yes.tns
    expect 0 rnn-predict --model judge.tns --report all-yes.tns
    sed -n '/^confusion/,$p' out > confusion
    head -1 confusion | tr '\t' '\n' | sed 1d | sort | cmp - <(printf 'no\nyes\n')
    awk -F'\t' 'NR == 1 { for (i = 2; i <= 3; i++) at[$i] = i; next } { print $1, $(at["yes"]), $(at["no"]) }' confusion | sort |
        cmp - <(printf 'no 0 0\nperhaps 1 0\nyes 20 19\n')
    assert_equal "$(head -3 out)" "$(printf 'accuracy\t0.5000\nnumber\t40\nunseen\t1')"
    # an item without words has a label, too
    printf 'segment profile=tokens\nbatch 2\ncolumn ids.offsets u64 [3]\n0 0 1\ncolumn ids u32 [1]\n4\nend\n' | tns import > short.txt
    tns text labeled.tns | sed '/^batch/,$d' > front.txt
    (cat front.txt && tns text short.txt | sed 1d) | tns import -o short.tns
    expect 0 rnn-predict --model judge.tns --text short.tns
    assert_equal "$(wc -l < out)" 2
    expect 0 rnn-predict --model tagger.tns --text short.tns
    assert_equal "$(sed -n 1p out)" ""
    assert_equal "$(wc -l < out)" 2
}

@test "the next vector, beside the one that came" {
    rnn-predict -q --model next.tns --emit loss pen.tns -o loss.tns
    rnn-predict --model next.tns pen.tns -o pred.tns
    paste -d' ' <(column vec < pred.tns | side_by_side 3) <(column pred.vec < pred.tns | side_by_side 3) <(column loss < loss.tns) |
        awk -v offsets="$(column vec.offsets < pred.tns | tr '\n' ' ')" 'BEGIN { n = split(offsets, at, " "); for (i in at) ends[at[i]] = 1 }
            NR > 1 { sum = 0; for (k = 1; k <= 3; k++) sum += ($k - said[k]) ^ 2
                if (ends[NR - 1] ? loss != 0 : (sum / 3 - loss) ^ 2 > 1e-12) { print; exit 1 }
                if (!ends[NR - 1]) { all += sum; rows++ } }
            { for (k = 1; k <= 3; k++) said[k] = $(3 + k); loss = $7 }
            END { printf "number %d\nmse %.5g\nrmse %.5g\n", rows, all / rows / 3, sqrt(all / rows / 3) }' > sums
    rnn-predict --model next.tns --report pen.tns > report
    awk 'NR < 4 { printf "%s %.5g\n", $1, $2 }' report | cmp - sums
    assert_equal "$(sed -n '5,$p' report | cut -f1 | paste -sd' ')" "dimension 0 1 2"
    assert_equal "$(rnn-predict --model next.tns --text pen.tns | head -1)" "$(column pred.vec < pred.tns | head -3 | paste -s)"
    # what is made up is what would be predicted of it
    rnn-predict --model next.tns --generate 7 --keep-prime pen.tns -o more.tns
    rnn-predict --model next.tns --generate 7 pen.tns -o new.tns
    rnn-predict --model next.tns more.tns -o again.tns
    paste -d' ' <(column vec < again.tns | side_by_side 3) <(column pred.vec < again.tns | side_by_side 3) |
        awk -v old="$(column vec.offsets < pen.tns | tr '\n' ' ')" 'BEGIN { n = split(old, at, " "); for (i = 1; i < n; i++) from[at[i + 1] + 7 * (i - 1)] = 1 }
            from[NR - 1] { new = 7 } new > 0 { new--; for (k = 1; k <= 3; k++) { if ($k != said[k]) { print; exit 1 } print $k } }
            { for (k = 1; k <= 3; k++) said[k] = $(3 + k) }' > made
    cmp made <(column vec < new.tns)
    # from nothing: a vector of zeros in front of the item gives the same
    rnn-predict --model next.tns --generate 4 --items 2 -o zero.tns
    printf 'segment profile=vectors\nbatch 2\ncolumn vec.offsets u64 [3]\n0 0 1\ncolumn vec f32 [1,3]\n0 0 0\nend\n' | tns import -o zeros.tns
    rnn-predict --model next.tns --generate 4 zeros.tns | column vec | cmp - <(column vec < zero.tns)
    rnn-predict --model next.tns --generate 4 --items 2 --text | grep . | tr '\t' '\n' | cmp - <(column vec < zero.tns)
}

@test "numbers beside steps and items" {
    awk 'BEGIN { print "segment profile=vectors\nbatch 20\ncolumn vec.offsets u64 [21]"; for (i = 0; i <= 20; i++) print 3 * i
        print "column vec f32 [60,1]"; for (i = 0; i < 60; i++) print i % 7 / 7
        print "column target f32 [60,2] over=vec"; for (i = 0; i < 60; i++) print i % 7 / 7, 1 - i % 7 / 7
        print "column whole f32 [20]"; for (i = 0; i < 20; i++) print i % 2; print "end" }' | tns import -o steps.tns
    for target in target whole; do
        rnn-train --task regress --target $target --hidden 6 --batch 4 --epochs 3 --optimizer adam -q -o $target-model.tns steps.tns
        rnn-predict --model $target-model.tns steps.tns -o $target-pred.tns
        paste -d' ' <(column $target < steps.tns) <(column pred.$target < $target-pred.tns) |
            awk '{ sum += ($1 - $2) ^ 2 } END { printf "mse %.5g\n", sum / NR }' > sum
        rnn-predict --model $target-model.tns --report steps.tns | awk 'NR == 2 { printf "%s %.5g\n", $1, $2 }' | cmp - sum
    done
    tns ls target-pred.tns | grep -q 'pred.target .*\[60,2\] *over=vec'
    tns ls whole-pred.tns | grep -q 'pred.whole .*\[20,1\] *$'
    assert_equal "$(rnn-predict --model whole-model.tns --text steps.tns | wc -l)" 20
    assert_equal "$(rnn-predict --model target-model.tns --text steps.tns | grep -c '^$')" 20
    tns drop target -i steps.tns -o bare.tns
    refused 65 "no column 'target'" --model target-model.tns --report bare.tns
    sed 's/\[60,2\]/[60]/; /^column target/,/^column whole/ s/ [0-9.]*$//' <(tns text steps.tns) | sed 's/^column target f32 .*/column target f32 [60] over=vec/' |
        tns import -o narrow.tns
    refused 65 "column 'target' has 1 numbers a row" --model target-model.tns --emit loss narrow.tns
}

@test "a mixture is judged in nats and drawn from" {
    rnn-predict -q --model writer.tns --score --emit loss pen.tns -o loss.tns
    cmp <(column loss < loss.tns | sed 's/^-0$/0/') <(column logprob < loss.tns | sed 's/^-//; t; s/^/-/; s/^-0$/0/')
    expect 0 rnn-predict --model writer.tns --report pen.tns
    column loss < loss.tns | awk '{ sum += $1 } END { printf "number\t%d\nloss\t%.4f\n", NR - 12, sum / (NR - 12) }' |
        cmp - <(awk -F'\t' '{ printf NR == 2 ? "%s\t%.4f\n" : "%s\t%d\n", $1, $2 }' out)
    rnn-predict --model writer.tns --generate 30 --items 70 --seed 4 -o some.tns
    rnn-predict --model writer.tns --generate 30 --items 70 --seed 4 --threads 1 | cmp - some.tns
    rnn-predict --model writer.tns --generate 30 --items 3 --seed 4 | column vec | cmp - <(column vec < some.tns | head -270)
    column vec < some.tns | awk 'NR % 3 == 0 && $1 != 0 && $1 != 1 { exit 1 }'
    run cmp -s <(column vec < some.tns | head -90) <(column vec < some.tns | sed '1,90d' | head -90)
    assert_failure
    # the likeliest is what is predicted; with a large bias the draw comes near it
    rnn-predict --model writer.tns --generate 1 --greedy pen.tns | column vec > greedy
    rnn-predict --model writer.tns pen.tns -o pred.tns
    for at in $(column vec.offsets < pred.tns | sed 1d); do
        column pred.vec < pred.tns | sed -n "$((3 * at - 2)),$((3 * at))p"
    done | cmp - greedy
    far() { rnn-predict --model writer.tns --generate 1 --bias "$1" pen.tns | column vec | paste - greedy |
        awk 'NR % 3 { sum += ($1 - $2) ^ 2 } END { print sum }'; }
    awk -v near="$(far 100)" -v wide="$(far 0)" 'BEGIN { exit !(near < 1e-9 && wide > 1e-3) }'
    tns-plot strokes --items 3 some.tns -o some.png
    assert [ -s some.png ]
    rnn-predict --model writer.tns --generate 65600 -o long.tns
    tns verify long.tns
    cmp <(column continued < long.tns) <(printf '0\n1\n')
    column vec < long.tns | head -90 | cmp - <(rnn-predict --model writer.tns --generate 30 | column vec)
}

@test "captions: words from a picture" {
    rnn-predict --model caption.tns --text pictures.tns | cmp - names.txt
    rnn-predict --model caption.tns captioned.tns -o pred.tns
    cmp <(column pred.ids < pred.tns) <(column ids < pred.tns)
    rnn-predict --model caption.tns pictures.tns | column pred.ids | cmp - <(column ids < pred.tns)
    assert_equal "$(rnn-predict --model caption.tns pictures.tns | tns ls | grep -c '^tensor  vocab.text ')" 1
    assert_equal "$(rnn-predict --model caption.tns --max-words 2 --text pictures.tns | sed -n 2p)" "a white"
    rnn-predict --model caption.tns --temperature 9 --seed 2 --text pictures.tns > drawn
    rnn-predict --model caption.tns --temperature 9 --seed 2 --text pictures.tns | cmp - drawn
    run cmp -s drawn names.txt
    assert_failure
    rnn-predict --model caption.tns --temperature 9 --top-k 1 --text pictures.tns | cmp - names.txt
    # judged: 2 of the 3 words and 2 that came are in common
    expect 0 rnn-predict --model caption.tns --report captioned.tns
    assert grep -q "^F1.1.0000$" out
    assert_equal "$(sed -n 1p out)" "$(printf 'tokens\t%d' $(($(wc -w < names.txt) + 30)))"
    sed 's/a white cat/cat a mouse a/' names.txt | tokenize --vocab caption.tns 2> /dev/null | tns paste - pictures.tns > wrong.tns
    rnn-predict -q --model caption.tns --report wrong.tns | grep -q "^F1.0.7857$" # 15 items of 1, 15 of 4/7
    # the words that are given, as a language model reads them
    rnn-predict --model caption.tns --score --text captioned.tns -q | tail -1 > total
    rnn-predict -q --model caption.tns --emit states,loss captioned.tns -o loss.tns
    column loss < loss.tns | awk -v total="$(cut -f3 total)" '{ sum += $1 } END { exit !(-sum >= total && -sum < total + 1) }'
    tns ls loss.tns | grep -q '^column  state.0 .*over=ids'
    sed 's/\[30,2\]/[30,1]/; /^column feature/,/^end/ s/ [0-9.]*$//' <(tns text pictures.tns) |
        sed 's/^column feature f32 .*/column feature f32 [30,1]/' | tns import -o narrow.tns
    refused 65 "column 'feature' has 1 numbers a row" --model caption.tns narrow.tns
    refused 65 "no column 'feature'" --model caption.tns labeled.tns
    refused 65 'wants tokens or vectors, got tensors' --model caption.tns --report pictures.tns
}

@test "words are read by their letters where the model spells" {
    tokenize --input conllu --keep-text --vocab tagged.tns tagged.conllu -o letters.tns
    rnn-train --task tag --spell 4 --hidden 6 --batch 8 --epochs 10 --optimizer adam --lr 0.03 -q -o speller.tns letters.tns
    rnn-predict --model speller.tns --text letters.tns > text
    # the vocabulary's words are the same letters
    rnn-predict --model speller.tns --text tagged.tns | cmp - text
    # words that no vocabulary has still have letters: they change what is said of them
    sed 's/dog/dogs/' tagged.conllu | tokenize --input conllu --keep-text --vocab tagged.tns -o dogs.tns 2> /dev/null
    sed 's/dog/barking/' tagged.conllu | tokenize --input conllu --keep-text --vocab tagged.tns -o barking.tns 2> /dev/null
    cmp <(column ids < dogs.tns) <(column ids < barking.tns)
    run cmp -s <(rnn-predict -q --model speller.tns --emit loss dogs.tns | column loss) \
        <(rnn-predict -q --model speller.tns --emit loss barking.tns | column loss)
    assert_failure
    rnn-predict -q --model speller.tns --text dogs.tns | grep -q 'dogs/'
    tns drop 'vocab.*' ids -i tagged.tns -o bare.tns
    refused 65 "vocab" --model speller.tns bare.tns
    # a language model spells what it makes up
    rnn-train --task lm --by item --spell 4 --embed-dim 4 --hidden 8 --batch 8 --epochs 15 --optimizer adam --lr 0.03 -q -o says.tns tagged.tns
    rnn-predict --model says.tns --generate 30 --greedy --text | grep -q ' dog '
}

@test "a model without an output has states and gates" {
    tns drop 'out.*' -i next.tns -o inside.tns
    rnn-predict --model inside.tns --emit states,gates pen.tns | column state.0 |
        cmp - <(rnn-predict --model next.tns --emit states pen.tns | column state.0)
    refused 65 'no output layer and predicts nothing' --model inside.tns pen.tns
    refused 2 'no output layer' --model inside.tns --emit loss pen.tns
}

@test "what has no meaning for a model is refused" {
    refused 2 'report is a table' --model tagger.tns --report --score tagged.tns
    refused 2 'scores nothing' --model next.tns --report --generate 3
    refused 2 'numbers, which have no probabilities' --model next.tns --emit prob pen.tns
    refused 2 'squared error, which is no probability' --model next.tns --score pen.tns
    refused 2 '--temperature is for words' --model writer.tns --generate 3 --temperature 2
    refused 2 '--bias is for vectors drawn' --model next.tns --generate 3 --bias 2
    refused 2 '--greedy is for what is drawn' --model next.tns --generate 3 --greedy
    refused 2 '--items is for new ones' --model next.tns --generate 3 --items 2 pen.tns
    refused 2 '--keep-prime wants a stream' --model next.tns --generate 3 --keep-prime
    refused 2 '--max-words is for captions' --model tagger.tns --max-words 3 tagged.tns
    refused 65 'needs a stream' --model caption.tns --generate 3
    refused 65 'cannot write text' --model tagger.tns --generate 3
    refused 65 "no column 'tags'" --model tagger.tns --report labeled.tns
    refused 65 "no column 'label'" --model judge.tns --emit loss tagged.tns
    tns text tagged.tns | awk '/^column continued/ { print; getline; sub(/^[01] [01]/, "0 1"); print; next } { print }' | tns import -o parts.tns
    refused 65 'continues the one before: the model reads whole items' --model tagger.tns parts.tns
    tns text pen.tns | awk '/^column continued/ { print; getline; sub(/^[01] [01]/, "0 1"); print; next } { print }' | tns import -o pieces.tns
    refused 65 'only whole items can be gone on with' --model next.tns --generate 3 pieces.tns
    rnn-predict --model next.tns pieces.tns > /dev/null
    # heads and targets that do not belong together
    for change in 's/targets=next-vec/targets=next-id/' 's/targets=next-vec/targets=item-class option.target=label/' \
        's/inputs=vectors/inputs=ids/' 's/targets=next-vec/targets=nonsense/'; do
        tns text next.tns | sed "1$change" | tns import -o odd.tns
        refused 65 'odd.tns: ' --model odd.tns pen.tns
    done
}
