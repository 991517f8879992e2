#!/usr/bin/env bats
# rnn-train: what is learned, the same bytes again, checkpoints and what becomes of bad input.

load helper

setup() {
    runnel_setup
    # 6,000 characters with something to learn in them
    for i in $(seq 60); do
        echo "the cat number $i sat on the mat and saw the other cat run."
        echo "why did the dog number $((i * 7 % 60)) not see it?"
    done > text.txt
    tokenize --level grapheme --item file text.txt -o text.tns
    tokenize --level space text.txt -o lines.tns
    small=(--hidden 24 --batch 8 --bptt 16 --quiet)
}

# A stream of vectors [3] with classes beside them: `vectors LINE...`, each line four numbers, one item in all.
vectors() {
    {
        echo "segment profile=vectors"
        echo "batch 1"
        echo "column vec.offsets u64 [2]"
        echo "0 $#"
        echo "column vec f32 [$#,3]"
        printf '%s\n' "$@" | cut -d' ' -f1-3
        echo "column target i32 [$#] over=vec"
        printf '%s\n' "$@" | cut -d' ' -f4
        echo end
    } | tns import
}

# Figures of a log: `field NAME FILE`, one a line.
field() {
    sed -n "s/.*\"$1\": \([^,}]*\).*/\1/p" "$2"
}

@test "a text is learned, every epoch is told and logged, the best epoch is kept" {
    expect 0 rnn-train --cell lstm --hidden 24 --batch 8 --bptt 16 --epochs 6 --valid 0.2 --optimizer adam --lr 0.02 \
        --log log.json -o model.tns text.tns
    assert_equal "$(grep -c 'validation loss' err)" 7
    assert_equal "$(field step log.json | tail -1)" "$(tns ls model.tns | sed -n 's/.*trained.steps=\([0-9]*\).*/\1/p')"
    for name in step epoch loss valid_loss lr tokens_per_second gradient_norm seconds; do
        [ -n "$(field $name log.json)" ] || fail "no $name in the log"
    done
    # from a guess among all characters to less than half of that
    awk -v first="$(field loss log.json | head -1)" -v last="$(field valid_loss log.json | tail -1)" \
        'BEGIN { exit !(first > 2.5 && last < first / 2) }'

    # learning at a rate that soon does harm: the model is not the last, and patience ends it
    expect 0 rnn-train "${small[@]}" --epochs 40 --valid 0.2 --patience 2 --optimizer adam --lr 0.1 --log log.json \
        -o best.tns text.tns
    best=$(tns ls best.tns | sed -n 's/.*trained.best_epoch=\([0-9]*\).*/\1/p')
    epochs=$(tns ls best.tns | sed -n 's/.*trained.epochs=\([0-9]*\).*/\1/p')
    assert_equal "$epochs" $((best + 2))
    grep '"valid_loss": [0-9]' log.json > epochs.json
    assert_equal "$(field valid_loss epochs.json | sort -g | head -1)" "$(field valid_loss epochs.json | sed -n "${best}p")"
    # ... but as good as it was there
    expect 0 rnn-train "${small[@]}" --epochs "$best" --valid 0.2 --optimizer adam --lr 0.1 -o same.tns text.tns
    for model in best same; do
        tns drop nothing -i $model.tns | tns text | sed '/^segment/d; /^end/d' > $model.txt
    done
    cmp best.txt same.txt
}

@test "the same bytes: twice, for any number of threads, and other bytes for another seed" {
    common=(--cell lstm --layers 2 --hidden 70 --batch 20 --bptt 20 --epochs 2 --valid 0.1 --quiet)
    for by in text item; do
        input=$([ $by = text ] && echo text.tns || echo lines.tns)
        rnn-train "${common[@]}" --by $by --threads 1 -o one.tns $input
        for threads in 1 2 4; do
            rnn-train "${common[@]}" --by $by --threads $threads -o again.tns $input
            cmp one.tns again.tns
        done
        rnn-train "${common[@]}" --by $by --seed 2 -o other.tns $input
        run cmp -s one.tns other.tns
        assert_failure
    done
}

@test "a run that was stopped and resumed ends in the same bytes" {
    for by in text item; do
        input=$([ $by = text ] && echo text.tns || echo lines.tns)
        common=("${small[@]}" --cell lstm --valid 0.2 --patience 500 --log-every 1 --lr-decay 0.98 --lr 0.01 --bptt 7)
        if [ "$by" = text ]; then
            common+=(--by text --epochs 60 --optimizer rmsprop)
        else
            common+=(--by item --epochs 300 --optimizer adam)
        fi
        rnn-train "${common[@]}" -o whole.tns $input
        rm -f log.json state.tns part.tns
        begun=0
        rnn-train "${common[@]}" --checkpoint state.tns --log log.json -o part.tns $input 2> err &
        pid=$!
        for stop in 15 40; do
            stop=$((stop + begun))
            while [ "$(wc -l 2> /dev/null < log.json || echo 0)" -lt $stop ] && kill -0 $pid; do sleep 0.02; done
            kill -USR1 $pid
            sleep 0.05
            kill -TERM $pid
            status=0
            wait $pid || status=$?
            assert_equal $status 75
            assert [ ! -e part.tns ]
            run tns verify state.tns
            assert_success
            begun=$(wc -l < log.json)
            rnn-train "${common[@]}" --checkpoint state.tns --resume --log log.json -o part.tns $input 2> err &
            pid=$!
        done
        wait $pid
        cmp whole.tns part.tns
        # the run has ended: once more gives the model once more
        rm part.tns
        rnn-train "${common[@]}" --checkpoint state.tns --resume -o part.tns $input
        cmp whole.tns part.tns
    done
}

@test "products in bf16: the same bytes again, for any threads, resumed; other bytes than in float, not other words" {
    common=(--layers 2 --hidden 70 --batch 20 --bptt 20 --valid 0.1 --quiet --optimizer adam --lr 0.01 --cell gru)
    half=("${common[@]}" --precision bf16)
    rnn-train "${half[@]}" --epochs 2 --threads 1 -o half.tns text.tns
    for threads in 1 2 4; do
        rnn-train "${half[@]}" --epochs 1 --threads $threads --checkpoint state.$threads -o one.$threads text.tns
        rnn-train "${half[@]}" --epochs 2 --threads $threads --checkpoint state.$threads --resume -o two.tns text.tns
        cmp one.1 one.$threads
        cmp half.tns two.tns
    done
    tns ls half.tns | grep -q 'option.precision=bf16'
    expect 65 rnn-train "${common[@]}" --epochs 3 --checkpoint state.1 --resume -o no.tns text.tns
    assert grep -q 'precision was bf16 and is float' err

    rnn-train "${common[@]}" --epochs 2 -o float.tns text.tns
    tns text float.tns > float.txt
    tns text half.tns > half.txt
    run cmp -s <(grep -v '^segment' float.txt) <(grep -v '^segment' half.txt)
    assert_failure
    # a model is a model: what it says does not depend on what it was trained in
    expect 0 rnn-train --init half.tns --epochs 1 --gradients g.tns text.tns
    expect 0 rnn-train --init half.tns --epochs 1 --precision bf16 --gradients g16.tns text.tns
    expect 1 tns cmp --rtol 0 g.tns g16.tns
    for precision in float half; do
        rnn-predict --model $precision.tns --score --text text.tns | awk '/^total/ { print -$3 / $2 }' > $precision.loss
    done
    awk '{ getline half < "half.loss"; exit !($1 < 2.8 && half < $1 + 0.05 && half > $1 - 0.05) }' float.loss

    # without instructions of its own it works, but says that it does not pay
    expect 0 rnn-train --hidden 8 --epochs 1 --precision bf16 --isa plain -o no.tns text.tns
    assert grep -q 'bf16 is no faster than float here' err
    expect 2 rnn-train --precision half -o no.tns text.tns
    assert grep -q "float" err
}

@test "a checkpoint is a model, may be resumed with more epochs, and is refused by another run" {
    common=("${small[@]}" --optimizer adam --checkpoint state.tns --resume)
    rnn-train "${common[@]}" --epochs 2 -o two.tns text.tns # no checkpoint yet: afresh
    rnn-train "${small[@]}" --optimizer adam --epochs 3 -o three.tns text.tns
    cp state.tns kept.tns
    rnn-train "${common[@]}" --epochs 3 -o more.tns text.tns
    cmp three.tns more.tns
    tns drop 'opt.*' 'rng.*' 'pos.*' -i kept.tns -o dropped.tns
    for model in dropped two; do tns text $model.tns | sed '/^segment/d; /^end/d' > $model.txt; done
    cmp dropped.txt two.txt
    rnn-predict --model kept.tns --generate 20 --greedy --text > a
    rnn-predict --model dropped.tns --generate 20 --greedy --text > b
    cmp a b

    cp kept.tns state.tns
    expect 65 rnn-train "${common[@]}" --epochs 3 --hidden 25 --lr 0.5 -o no.tns text.tns
    assert grep -q 'rnn-train: checkpoint state.tns: it is of another run: hidden was 24 and is 25, lr was 0 and is 0.5' err
    expect 65 rnn-train "${common[@]}" --epochs 3 -o no.tns lines.tns
    assert grep -q 'the vocabulary differs' err
    sed 's/cat number/cat cumber/' text.txt | tokenize --level grapheme --item file --vocab text.tns -o changed.tns
    expect 65 rnn-train "${common[@]}" --epochs 3 -o no.tns changed.tns
    assert grep -q 'the training data differ' err
    expect 65 rnn-train "${common[@]}" --epochs 3 -o no.tns --checkpoint two.tns text.tns
    assert grep -q 'it is no checkpoint' err
    head -c 5000 kept.tns > state.tns
    expect 65 rnn-train "${common[@]}" --epochs 3 -o no.tns text.tns
    assert [ ! -e no.tns ]
}

@test "an item in parts is one item; items by themselves; a stream to validate with" {
    tokenize --level space text.txt | tns text > whole.txt
    # the first item, cut after two tokens
    awk '/^batch/ { sub(/120/, "121") }
         /^column ids.offsets/ { sub(/121/, "122"); print; getline; sub(/^0 /, "0 2 ") }
         /^column continued/ { sub(/120/, "121"); print; getline; $0 = "0 1" substr($0, 2) }
         { print }' whole.txt > parts.txt
    tns import parts.txt -o parts.tns
    run cmp -s <(tns text parts.tns) <(tns text lines.tns)
    assert_failure
    for by in text item; do
        for stream in lines parts; do
            rnn-train "${small[@]}" --by $by --epochs 1 --init-range 0.1 -o $stream-model.tns $stream.tns
        done
        run tns cmp lines-model.tns parts-model.tns
        assert_success
    done
    rnn-train "${small[@]}" --by item --epochs 2 -o train.tns lines.tns --valid-file lines.tns --log log.json
    # by items, the loss over a stream is what rnn-predict finds it to be
    expect 0 rnn-predict --model train.tns --score --text lines.tns
    awk -v loss="$(field valid_loss log.json | tail -1)" '/^total/ { d = -$3 / $2 - loss; exit !(d < 1e-4 && d > -1e-4) }' out
    # words of a validation stream go by their spelling
    tail -n 40 text.txt | sed 's/cat/zebra/' | tokenize --level space -o other.tns
    expect 0 rnn-train --hidden 8 --epochs 1 --valid-file other.tns -o no.tns lines.tns
    assert grep -q '20 words are not in the vocabulary' err
}

@test "classes in a target column, from vectors" {
    # the class is the place of the largest number, one step ago
    for i in $(seq 0 59); do
        case $((i * 7 % 3)) in 0) v="1 0 0" ;; 1) v="0 1 0" ;; 2) v="0 0 1" ;; esac
        echo "$v $(((i * 7 + 2) % 3))"
    done > rows
    mapfile -t rows < rows
    vectors "${rows[@]}" > data.tns
    rnn-train --cell elman --hidden 8 --batch 1 --bptt 10 --epochs 60 --optimizer adam --lr 0.02 -q -o model.tns data.tns
    tns ls model.tns | grep -q 'option.by=item.*option.target=target'
    expect 0 rnn-predict --model model.tns --text data.tns
    assert_equal "$(tr ' ' '\n' < out | tail -n +2)" "$(cut -d' ' -f4 rows | tail -n +2)"
    # by text too, and with the column named
    rnn-train --by text --target target --batch 2 --bptt 5 --epochs 1 -q -o model.tns data.tns
    # starting from a model: its options, and its parameters by name and shape
    rnn-train --init model.tns --epochs 1 -q -o further.tns data.tns
    tns ls further.tns | grep -q 'option.cell=lstm'
    expect 65 rnn-train --init model.tns --hidden 7 -q -o no.tns data.tns
    assert grep -q "model.tns: tensor 'rnn.0.input' is .512,3., not .28,3." err
    expect 65 rnn-train --init model.tns -q -o no.tns text.tns
}

@test "the learning rate falls by steps or on a plateau; clipping by value; every optimizer" {
    rates() {
        rnn-train "${small[@]}" --optimizer sgd --lr 0.1 --log-every 1000 --log log.json -o m.tns "$@" text.tns &&
            field lr log.json | uniq -c | awk '{ printf "%s%s*%s", (NR > 1 ? " " : ""), $1, $2 }'
    }
    assert_equal "$(rates --epochs 6 --lr-decay 0.5 --lr-decay-every 2 --lr-decay-after 1)" "3*0.1 2*0.05 1*0.025"
    # a rate at which nothing is learned: every epoch is one on a plateau, but for the first
    assert_equal "$(rates --epochs 5 --lr 1e-30 --valid 0.2 --lr-decay 0.5 --lr-plateau 2)" "3*1e-30 2*5e-31"

    for optimizer in sgd momentum adagrad rmsprop adam; do
        rnn-train "${small[@]}" --epochs 1 --optimizer $optimizer -o $optimizer.tns text.tns
    done
    assert_equal "$(for f in sgd momentum adagrad rmsprop adam; do tns digest $f.tns; done | sort -u | wc -l)" 5
    rnn-train "${small[@]}" --epochs 1 --optimizer sgd --clip-value 1e-9 -o still.tns text.tns
    rnn-train "${small[@]}" --epochs 1 --optimizer sgd --lr 1e-30 -o start.tns text.tns
    weights() { # FILE: the recurrent weights as lines of text
        tns export --format csv --name rnn.0.recurrent "$1" | tr ',' '\n'
    }
    apart() { # the largest difference of two files' weights
        paste <(weights "$1") <(weights "$2") | awk '{ d = $1 - $2; d = d < 0 ? -d : d; if (d > m) m = d } END { print m + 0 }'
    }
    awk -v near="$(apart still.tns start.tns)" -v far="$(apart sgd.tns start.tns)" 'BEGIN { exit !(near < 1e-6 && far > 1e-3) }'
}

@test "words: vectors that are learned, given, frozen, or the weights of the output" {
    w2v-train --quiet --dim 7 --epochs 1 --sample 0 -o words.tns lines.tns
    expect 0 rnn-train --hidden 10 --epochs 1 --batch 8 --bptt 16 --embedding words.tns --freeze -o frozen.tns lines.tns
    assert grep -q "words have a vector in words.tns" err
    rnn-train "${small[@]}" --epochs 1 --embedding words.tns -o learned.tns lines.tns
    rnn-train "${small[@]}" --epochs 1 --embed-dim 7 -o drawn.tns lines.tns
    rnn-train "${small[@]}" --epochs 1 --tied -o tied.tns lines.tns
    for model in frozen learned drawn; do
        tns ls $model.tns | grep -q 'embedding  *f32  *\[[0-9]*,7\]'
    done
    tns ls tied.tns | grep embedding && fail "tied weights are kept twice"
    tns export --format npy --name embedding frozen.tns > frozen.npy
    tns export --format npy --name embedding learned.tns > learned.npy
    tns export --format npy --name w.in words.tns > words.npy
    # rows 4.. are the words: the header of a npy is as long for both, and so are the special tokens in front
    cmp <(tail -c 280 frozen.npy) <(tail -c 280 words.npy)
    cmp -s <(tail -c 280 learned.npy) <(tail -c 280 words.npy) && fail "vectors that were to learn have not"
    # a further run goes on from them, frozen again
    rnn-train --quiet --init frozen.tns --freeze --epochs 1 -o again.tns lines.tns
    tns export --format npy --name embedding again.tns | cmp - frozen.npy

    for options in "--freeze" "--embedding words.tns --embed-dim 8" "--embedding words.tns --tied" "--tied --embed-dim 3" \
        "--tied --task tag" "--bidirectional" "--init-recurrent identity" "--lr-plateau 2"; do
        # shellcheck disable=SC2086 # several words
        expect 2 rnn-train $options -o no.tns lines.tns
        assert_equal "$(wc -l < err)" 1
    done
}

@test "a diverging loss ends with status 3 and keeps the last good checkpoint" {
    common=("${small[@]}" --optimizer sgd)
    rnn-train "${common[@]}" --epochs 1 --checkpoint state.tns -o good.tns text.tns
    rm good.tns
    expect 3 rnn-train "${common[@]}" --epochs 2 --init state.tns --lr 1e6 --checkpoint-every 0.001 --checkpoint state.tns \
        -o good.tns text.tns
    assert grep -Eq 'rnn-train: step [0-9]+: training diverged: .* \(learning rate 1e\+06, gradient norm .*\)' err
    assert [ ! -e good.tns ]
    expect 0 rnn-predict --model state.tns --score --text text.tns
    awk '/^total/ { exit !($4 < 40) }' out # a guess costs about 34
    expect 3 rnn-train "${common[@]}" --clip 0 --lr 5 --checkpoint kept.tns --checkpoint-every 1e-9 text.tns
    assert grep -q 'the last good state is in kept.tns)' err
    tns verify kept.tns
    # a checkpoint that is not there is not promised
    expect 3 rnn-train "${common[@]}" --cell elman --activation relu --init-range 500 --clip 0 --lr 1 --checkpoint none.tns text.tns
    assert [ ! -e none.tns ]
    run cat err
    refute_output --partial none.tns
    # into a pipe: the next stage hears of it
    rnn-train "${common[@]}" --lr 1e9 text.tns 2> err | { expect 69 tns verify; }
    expect 3 rnn-train "${common[@]}" --cell elman --activation relu --init-range 500 --clip 0 --lr 1 -o no.tns text.tns
}

@test "outputs are tried before the input is read" {
    mkfifo never # whoever opens it waits
    expect 1 timeout 5 rnn-train -o nowhere/model.tns never
    expect 1 timeout 5 rnn-train -o model.tns --checkpoint nowhere/state.tns never
    expect 1 timeout 5 rnn-train -o model.tns --log nowhere/log never
    expect 1 timeout 5 rnn-train --gradients nowhere/gradients never
    expect 1 timeout 5 rnn-train -o . never
    run bash -c 'rnn-train --epochs 1 -q text.tns > /dev/full'
    assert_failure 1
    assert_output --partial "No space left"
    for file in never /dev/full; do
        expect 2 timeout 5 rnn-train --epochs 1 -q --checkpoint $file text.tns
        assert grep -q "checkpoint $file: is no regular file" err
    done
    assert [ ! -e model.tns ]
}

@test "resumed with other kernels: that the bytes will be others is said" {
    grep -qw avx2 /proc/cpuinfo || skip "there is one kind of kernels"
    local common=(--hidden 4 --epochs 1 --checkpoint state.tns --resume -o model.tns text.tns)
    expect 0 rnn-train -q --isa avx2 "${common[@]}"
    expect 0 rnn-train --isa avx2 "${common[@]}"
    refute grep -q 'was written with' err
    expect 0 rnn-train --isa plain "${common[@]}"
    assert grep -q '^rnn-train: state.tns was written with --isa avx2: the model will not be that of an unint' err
}

@test "no output is written over an input or another output" {
    cp text.tns before.tns
    expect 2 rnn-train -q --epochs 1 -o m.tns --log ./text.tns text.tns
    assert grep -q "^rnn-train: --log: './text.tns' is used for something else too (name another file)" err
    expect 2 rnn-train -q --epochs 1 -o m.tns --checkpoint text.tns text.tns
    expect 2 rnn-train -q --epochs 1 -o m.tns --checkpoint-every 60 text.tns
    grep -q -- '--checkpoint-every wants to know where to' err
    expect 2 rnn-train -q --epochs 1 -o m.tns --checkpoint text.tns < text.tns
    ln -s text.tns other.tns
    expect 2 rnn-train -q --epochs 1 -o m.tns --log text.tns --valid-file other.tns before.tns
    expect 2 rnn-train -q --epochs 1 -o m.tns --checkpoint ./m.tns text.tns
    assert grep -q "'./m.tns' is the output too" err
    expect 2 rnn-train -q --epochs 1 -o m.tns --checkpoint c --log c text.tns
    expect 2 rnn-train -q --epochs 1 --checkpoint - text.tns
    expect 2 rnn-train -q --epochs 1 -o m.tns --log - text.tns
    expect 1 rnn-train -q --epochs 1 -o "" text.tns
    assert grep -q 'name of a file to write is empty' err
    assert cmp text.tns before.tns
    assert [ ! -e m.tns ]
    # the input itself may be replaced: it has been read when the model appears
    expect 0 rnn-train -q --epochs 1 -o text.tns text.tns
}

@test "bad input is refused by name, with status 65" {
    refused() { # message, input
        expect 65 rnn-train "${@:3}" -q -o no.tns "$2"
        assert_equal "$(wc -l < err)" 1
        grep -q -- "$1" err || fail "$(cat err)"
        assert [ ! -e no.tns ]
    }
    rnn-train --hidden 4 --epochs 1 -q -o model.tns text.tns
    refused 'wants tokens or vectors, got model/rnn' model.tns
    : > empty.tns
    refused 'empty.tns: ' empty.tns
    head -c 3000 text.tns > cut.tns
    refused 'cut.tns: ' cut.tns
    tns head -n 3 lines.tns > part.tns
    refused 'part.tns: it is partial' part.tns
    cat text.tns lines.tns > two.tns
    refused 'its vocabulary differs' two.tns
    cat lines.tns lines.tns > twice.tns
    expect 0 rnn-train --hidden 4 --epochs 1 -q -o twice-model.tns twice.tns
    tokenize < /dev/null > nothing.tns
    refused 'nothing.tns: there is nothing in it to learn from' nothing.tns
    tns text lines.tns | sed '/^column ids u32/,/^end/ s/^4 /99 /' | tns import > beyond.tns
    refused "column 'ids', row [0-9]*: 99 is beyond the vocabulary" beyond.tns
    tns text lines.tns | sed 's/^column ids u32/column ids u64/' | tns import > wide.tns
    refused "'ids'.*u64" wide.tns
    vectors "1 2 3 0" "4 nan 6 1" > nan.tns
    refused "row 1.*column 1" nan.tns
    vectors "1 2 3 0" "4 5 6 -1" > minus.tns
    refused "column 'target', row 1: -1 is no class" minus.tns
    refused "no column 'colour'" minus.tns --target colour
    vectors "1 2 3 0" "4 5 6 1" > one.tns
    refused "1 items cannot be divided" one.tns --valid 0.5
    refused "cannot be divided" text.tns --bptt 0 --valid 0.1
    expect 1 rnn-train -q -o no.tns missing.tns
    expect 1 rnn-train -q -o no.tns .
}

@test "misuse is told with status 2" {
    misused() {
        expect 2 rnn-train "$@" -o no.tns text.tns
        assert_equal "$(wc -l < err)" 1
    }
    misused --batch 0
    misused --cell elmann
    misused --lr abc
    misused --patience 3
    misused --resume
    misused --valid 0.1 --valid-file text.tns
    misused --gradients g.tns
    misused --lr-plateau 2 --valid 0.2 text.tns
    misused --head mixture
    misused --task tag --pool max
    misused --hiden 3
    assert grep -q "did you mean '--hidden'" err
    misused --threads 0
}

@test "a stop outranks what becomes of the input; without a checkpoint it ends the run" {
    mkfifo input
    rnn-train --checkpoint state.tns -o model.tns input 2> err &
    pid=$!
    exec 9> input
    head -c 3000 text.tns >&9
    sleep 0.2
    kill -TERM $pid
    exec 9>&- # the input ends in the middle of a frame
    status=0
    wait $pid || status=$?
    assert_equal $status 75
    assert grep -q 'stopped by a signal while the input was read' err
    assert [ ! -e state.tns ]

    ls -A > before
    rnn-train --epochs 100000 --log log.json -o model.tns text.tns 2> /dev/null &
    pid=$!
    while [ ! -s log.json ]; do sleep 0.02; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    assert_equal $status 143
    rm log.json
    ls -A > after
    diff <(grep -v after before) <(grep -v after after)
}
