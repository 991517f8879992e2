# w2v-train that goes on: from a model, from a checkpoint, and what it tells on the way.
# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# SENTENCES of eight words, each about one of four topics, wN.0 .. wN.9: topic N begins at FIRST.
topics() { # sentences, first
    awk -v n="$1" -v first="$2" 'BEGIN { x = 12345
        for (s = 0; s < n; s++) { line = ""
            for (i = 0; i < 8; i++) { x = (x * 1103515245 + 12345) % 2147483648
                line = line (i ? " " : "") "w" first + s % 4 "." int(x / 65536) % 10 }
            print line } }'
}

words() { topics "$@" | tokenize --level space; }

# The rows of a matrix in a file of text, a word at the beginning of each.
rows() { # model matrix
    tns text "$1" | awk -v matrix="$2" '
        /^(segment|tensor|batch|end)/ { part = $2; next }
        part == "vocab.text" { gsub(/"/, ""); word[n++] = $0 }
        part == matrix { print word[m++], $0 }'
}

# Without what depends on the clock.
timeless() { sed -E 's/"(tokens_per_second|seconds)": [^,}]*//g' "$1"; }

# Waits until a command succeeds, as long as process $pid lives.
until_() { while ! "$@" 2> /dev/null && kill -0 "$pid"; do sleep 0.02; done; }

@test "stopped by a signal and resumed: the same bytes and log, for any model, loss and threads" {
    words 8000 0 > words.tns
    for how in "--model skipgram" "--model cbow" "--loss hs" "--loss softmax" "--subwords 2-3 --buckets 300"; do
        common=(--dim 20 --epochs 3 --sample 0.01)
        # shellcheck disable=SC2206
        common+=($how)
        w2v-train -q "${common[@]}" --threads 1 --log whole.log -o whole.tns words.tns
        runs=0 tries=0
        rm -f state.tns
        while [ $runs -lt 3 ] && [ $tries -lt 20 ]; do
            tries=$((tries + 1))
            [ -e state.tns ] || rm -f part.tns part.log
            touch mark
            w2v-train "${common[@]}" --threads $((1 + tries % 2)) --checkpoint state.tns --checkpoint-every 1e-6 --resume \
                --log part.log -o part.tns words.tns 2> err &
            pid=$!
            until_ test state.tns -nt mark
            kill -USR1 $pid 2> /dev/null || true
            kill -TERM $pid 2> /dev/null || true
            status=0
            wait $pid || status=$?
            if [ $status = 75 ]; then
                runs=$((runs + 1))
                grep -q 'checkpoint written to state.tns' err
                grep -q 'stopped by a signal; the state is in state.tns (the same command with --resume goes on)' err
                [ ! -e part.tns ]
                tns verify state.tns
            elif [ $runs -gt 0 ]; then
                break # it ran to its end first
            else
                rm -f state.tns
            fi
        done
        [ $runs -gt 0 ] || fail "$how: was never stopped"
        w2v-train "${common[@]}" --checkpoint state.tns --resume --log part.log -o part.tns words.tns
        cmp whole.tns part.tns
        diff <(timeless whole.log) <(timeless part.log)
        # the run has ended: its model once more
        rm part.tns
        w2v-train -q "${common[@]}" --checkpoint state.tns --resume -o part.tns words.tns
        cmp whole.tns part.tns
    done
}

@test "killed behind a periodic checkpoint, and resumed" {
    words 10000 0 > words.tns
    w2v-train -q --dim 20 --epochs 4 -o whole.tns words.tns
    w2v-train -q --dim 20 --epochs 4 --checkpoint state.tns --checkpoint-every 1e-6 -o part.tns words.tns &
    pid=$!
    until_ test -e state.tns
    sleep 0.1
    kill -KILL $pid 2> /dev/null || true
    wait $pid || true
    rm -f part.tns
    w2v-train --dim 20 --epochs 4 --checkpoint state.tns --resume -o part.tns words.tns 2> err
    grep -Eq '^w2v-train: (going on from state.tns: epoch [1-4], [0-9]* words|the run in state.tns has ended: .*)$' err
    cmp whole.tns part.tns
    # --lock-free goes on too, in as many places
    w2v-train -q --lock-free --threads 2 --epochs 4 --checkpoint free.tns --checkpoint-every 1e-6 words.tns > /dev/null &
    pid=$!
    until_ test -e free.tns
    kill -TERM $pid 2> /dev/null || true
    wait $pid || true
    w2v-train -q --lock-free --threads 1 --epochs 4 --checkpoint free.tns --resume -o part.tns words.tns
    tns ls part.tns | grep -q 'pos.epochs=4 pos.words=320000'
}

@test "resumed with other kernels: that the bytes will be others is said" {
    grep -qw avx2 /proc/cpuinfo || skip "there is one kind of kernels"
    words 600 0 > words.tns
    common=(--dim 8 --epochs 2 --checkpoint state.tns --resume -o out.tns words.tns)
    expect 0 w2v-train -q --isa avx2 "${common[@]}"
    expect 0 w2v-train --isa avx2 "${common[@]}"
    grep -q 'was written with' err && fail "$(cat err)"
    expect 0 w2v-train --isa plain "${common[@]}"
    grep -q '^w2v-train: state.tns was written with --isa avx2: the model will not be that of an uninterrupted run' err
    tns text state.tns | sed '/^tensor pos.isa/,/^tensor/s/avx2/a kind that nobody knows/;s/^\(tensor pos.isa .*\)\[4\]/\1[24]/' | tns import -o state.tns -
    expect 65 w2v-train "${common[@]}"
    grep -q "'pos.isa' has 24 bytes" err
}

@test "a checkpoint is a model, and refused by another run" {
    words 600 0 > words.tns
    common=(-q --dim 8 --checkpoint state.tns --resume)
    w2v-train "${common[@]}" --epochs 2 -o two.tns words.tns # no checkpoint yet: afresh
    embed --model state.tns --neighbors w0.1 --top 3 > near
    cmp near <(embed --model two.tns --neighbors w0.1 --top 3)
    tns drop 'pos.*' < state.tns > dropped.tns
    diff <(rows dropped.tns w.out) <(rows two.tns w.out)
    tns ls dropped.tns | grep -q pos.turn && fail "pos.turn is still there"
    refused() { # what it says, the arguments behind
        local what=$1
        shift
        expect 65 w2v-train "${common[@]}" -o no.tns "$@"
        grep -q "w2v-train: checkpoint state.tns: $what" err || fail "$(cat err)"
        [ ! -e no.tns ]
    }
    refused 'it is of another run: epochs was 2 and is 3, window was 5 and is 4 (use its options' --epochs 3 --window 4 words.tns
    refused 'it is of another run: lock-free was no and is yes' --epochs 2 --lock-free words.tns
    topics 600 0 | tac | tokenize --level space > other.tns
    refused 'it is of another run: the training data differ' --epochs 2 other.tns
    words 600 1 > other.tns
    refused 'it is of another run: the vocabulary differs' --epochs 2 other.tns
    refused 'it is of another run: it began with another --init' --epochs 2 --init two.tns words.tns
    # numbers that do not go together, one that is cut, one that is none
    cp state.tns sound.tns
    tns text sound.tns | awk '/^tensor pos.epoch/ { print; getline; print 7; next } { print }' | tns import -o state.tns -
    refused 'the numbers that say where it stands' --epochs 2 words.tns
    tns text sound.tns | awk '/^tensor pos.epoch/ { print; getline; print 1; next }
        /^tensor pos.turn/ { print; getline; print 1000; next } { print }' | tns import -o state.tns -
    expect 65 w2v-train "${common[@]}" --epochs 2 -o no.tns words.tns
    grep -q 'turn 1001 of an epoch of [0-9]* is to come next' err
    head -c 2000 sound.tns > state.tns
    expect 65 w2v-train "${common[@]}" --epochs 2 -o no.tns words.tns
    grep -q 'state.tns: the stream ends at byte 2000' err
    cp two.tns state.tns
    refused 'it is no checkpoint of w2v-train' --epochs 2 words.tns
    cmp two.tns state.tns
}

@test "--init goes on: vectors by their words, counts summed, what the text lacks untouched" {
    words 600 0 > old.tns # topics 0 to 3
    words 600 2 > new.tns # topics 2 to 5
    w2v-train -q --model cbow --dim 10 --epochs 3 -o old.model old.tns
    expect 65 w2v-train --init old.model -o no.model new.tns
    grep -q "w2v-train: new.tns: 20 of its 44 words are not in old.model: 'w[45].[0-9]', .*(--grow adds them" err
    [ ! -e no.model ]
    w2v-train --init old.model --grow --epochs 4 -o more.model new.tns 2> err
    grep -q '20 words are new to old.model' err
    tns ls more.model > list
    grep -q 'option.dim=10 .*option.model=cbow .*pos.epochs=7 pos.words=33600' list
    grep -q 'w.in *f32 *\[64,10\]' list
    grep -q 'vocab.text .*tokenize.level=space' list
    grep -q "parent=\"$(tns digest new.tns | cut -d' ' -f1) $(tns digest old.model | cut -d' ' -f1)\"" list
    # the model's words in their order, then the new ones; topics 0 and 1 as they were, 2 and 3 moved
    rows old.model w.in > old.in
    rows more.model w.in > more.in
    diff <(cut -d' ' -f1 old.in) <(head -n 44 more.in | cut -d' ' -f1)
    for matrix in w.in w.out; do
        diff <(rows old.model $matrix | grep '^w[01]') <(rows more.model $matrix | grep '^w[01]')
        [ "$(comm -12 <(rows old.model $matrix | grep '^w[23]' | sort) <(rows more.model $matrix | sort) | wc -l)" = 0 ]
    done
    count() { tns text "$1" | awk -v w="\"$2\"" '/^tensor/ { part = $2; n = 0; next }
        part == "vocab.text" { id[$0] = n++ }
        part == "vocab.count" { for (i = 1; i <= NF; i++) c[n++] = $i } END { print c[id[w]] }'; }
    [ "$(count more.model w2.5)" = $(($(count old.model w2.5) + $(count new.tns w2.5))) ]
    [ "$(count more.model w5.5)" = "$(count new.tns w5.5)" ]
    # the same for any number of threads, and stopped and resumed
    w2v-train -q --init old.model --grow --epochs 4 --threads 1 --checkpoint state.tns -o again.model new.tns
    cmp more.model again.model
    w2v-train -q --init old.model --grow --epochs 4 --checkpoint state.tns --resume -o again.model new.tns
    cmp more.model again.model
    # tokenized with the model's words there is nothing to add
    topics 600 2 | tokenize --vocab old.model > known.tns 2> /dev/null
    w2v-train --init old.model --epochs 1 -o known.model known.tns
    tns ls known.model | grep -q 'w.in *f32 *\[44,10\]'
    expect 0 w2v-train --init old.model --grow --epochs 1 known.tns
    grep -q 'no word is new to old.model (was the text tokenized with --vocab' err
    topics 600 0 | tokenize --level space --lower | w2v-train --init old.model --epochs 1 2> err > /dev/null
    grep -q 'the text was tokenized with other options than that of old.model, which the model keeps' err
}

@test "--init with the same text is more epochs" {
    words 600 0 > words.tns
    for loss in ns hs softmax; do
        w2v-train -q --loss $loss --dim 8 --epochs 3 --log one.log -o one.tns words.tns
        expect 0 w2v-train --init one.tns --epochs 3 --log two.log -o two.tns words.tns
        grep -q 'begin as zeros' err && fail "$loss: $(cat err)"
        # the loss goes on from where it was, not from the beginning
        awk -F'[:,]' 'FNR == 1 { first[++f] = $6 } { last[f] = $6 } END { exit !(first[2] < last[1] + 0.1 && last[2] < last[1]) }' \
            one.log two.log || fail "$loss: $(cat one.log two.log)"
    done
}

@test "output vectors that mean nothing here begin as zeros, and that is said" {
    words 600 0 > words.tns
    w2v-train -q --dim 8 --epochs 2 -o model.tns words.tns
    tns drop w.out < model.tns > imported.tns
    w2v-train --init imported.tns --epochs 2 -o out.tns words.tns 2> err
    grep -q '^w2v-train: imported.tns has no output vectors (w.out): they begin as zeros' err
    tns ls out.tns | grep -q 'w.out'
    w2v-train --init model.tns --loss hs --epochs 2 -o hs.tns words.tns 2> err
    grep -q 'model.tns has the output vectors (w.out) of another --loss: they begin as zeros' err
    words 300 2 > other.tns
    w2v-train --init hs.tns --grow --epochs 1 -o out.tns other.tns 2> err
    grep -q 'hs.tns has output vectors (w.out) for another tree' err
    tns ls out.tns | grep -q option.loss=hs
}

@test "models that cannot be gone on from, and misuse, are named" {
    words 600 0 > words.tns
    w2v-train -q --dim 8 --epochs 1 -o model.tns words.tns
    expect 2 w2v-train --init model.tns --dim 9 words.tns
    grep -q -- '--dim: the vectors of model.tns have 8 numbers (leave it out)' err
    w2v-train -q --init model.tns --dim 8 --epochs 1 words.tns > /dev/null
    tns text model.tns | awk '/^tensor w.in/ { print; for (i = 0; i < 6; i++) { getline; if (i == 5) $3 = "nan"; print } next }
        { print }' | tns import -o nan.tns -
    expect 65 w2v-train --init nan.tns words.tns
    grep -q "nan.tns: 'w.in' holds NaN in row 5, column 2" err
    tns text model.tns | sed 's/^"<pad>"$/"<bad>"/' | tns import -o bad.tns -
    expect 65 w2v-train --init bad.tns words.tns
    grep -q 'bad.tns: its vocabulary does not begin with <pad> and <unk>' err
    expect 65 w2v-train --init words.tns words.tns
    expect 1 w2v-train --init missing.tns words.tns
    printf '' | tokenize --level space > empty.tns
    expect 65 w2v-train --init model.tns --grow empty.tns
    grep -q 'holds no words to learn from' err
    misused() {
        expect 2 w2v-train "$@"
        [ "$(wc -l < err)" = 1 ]
    }
    misused --grow words.tns
    grep -q -- '--grow wants to know what should grow (give --init MODEL)' err
    misused --resume words.tns
    grep -q -- '--resume wants to know from where' err
    misused --checkpoint-every 60 words.tns
    grep -q -- '--checkpoint-every wants to know where to (give --checkpoint FILE)' err
    misused --show-pairs --checkpoint state.tns words.tns
    cp words.tns before.tns
    misused --checkpoint ./words.tns words.tns -o out.tns
    misused --checkpoint words.tns -o out.tns < words.tns
    misused --checkpoint out.tns words.tns -o ./out.tns
    misused --checkpoint model.tns --init model.tns words.tns -o out.tns
    misused --checkpoint c --log c words.tns -o out.tns
    misused --checkpoint - words.tns
    cmp words.tns before.tns
    mkfifo never # whoever opens it waits: outputs and --eval are tried before the input is read
    expect 1 timeout 5 w2v-train --checkpoint missing/state.tns never
    expect 1 timeout 5 w2v-train --eval missing.txt never
    grep -q -- '--eval: missing.txt: No such file' err
    printf 'a b c\nd e\n' > wrong.txt
    expect 65 timeout 5 w2v-train --eval wrong.txt never
    grep -q -- '--eval: wrong.txt:2: is not two words and a score' err
    printf 'a\tb\t1\n' > pairs.txt
    cp pairs.txt pairs.csv
    expect 2 timeout 5 w2v-train --eval pairs.txt --eval pairs.csv never
    grep -q "two files are called 'pairs'" err
    expect 2 timeout 5 w2v-train --eval - never
    grep -q -- '--eval -: it is read again' err
    expect 2 timeout 5 w2v-train --eval never never
    grep -q 'is no regular file' err
    expect 2 w2v-train --eval pairs.txt --log pairs.txt words.tns
    for file in never /dev/full; do
        expect 2 timeout 5 w2v-train -q --epochs 1 --checkpoint $file words.tns
        grep -q "checkpoint $file: is no regular file" err
    done
    (
        trap '' XFSZ
        ulimit -f 8 # the words fit into it
        expect 1 w2v-train -q --epochs 1 --checkpoint large.tns words.tns -o /dev/null
    )
    grep -q 'checkpoint large.tns: .*File too large' err
    [ ! -e large.tns ]
}

@test "a stop outranks what becomes of the input; without a checkpoint it ends the run" {
    words 600 0 > words.tns
    mkfifo input
    w2v-train --checkpoint state.tns -o model.tns input 2> err &
    pid=$!
    exec 9> input
    head -c 3000 words.tns >&9
    sleep 0.2
    kill -TERM $pid
    exec 9>&-
    status=0
    wait $pid || status=$?
    [ $status = 75 ]
    grep -q 'stopped by a signal while the input was read' err
    [ ! -e state.tns ]
    ls -A > before
    w2v-train --epochs 1000000 --log log -o model.tns words.tns 2> /dev/null &
    pid=$!
    until_ test -s log
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ $status = 143 ]
    rm log
    ls -A > after
    diff <(grep -v after before) <(grep -v after after)
}

@test "a diverging loss keeps the last good checkpoint" {
    words 600 0 > words.tns
    promised=0
    for lr in 1e6 100 20 10 5; do
        rm -f state.tns
        w2v-train -q --dim 8 --lr $lr --epochs 50 --checkpoint state.tns --checkpoint-every 1e-9 -o no.tns words.tns 2> err && continue
        [ ! -e no.tns ]
        if [ -e state.tns ]; then
            grep -q 'training diverged: .*; the last good state is in state.tns' err
            embed --model state.tns --neighbors w0.1 > near
            promised=$((promised + 1))
        elif grep -q 'last good state' err; then
            fail "there is none"
        fi
    done
    [ $promised -gt 0 ]
}

@test "--eval: behind each epoch, on stderr and in the log, what embed says of the model" {
    words 600 0 > words.tns
    for i in 0 1 2 3 4 5 6 7 8; do
        printf 'w0.%d\tw0.%d\t%d\n' $i $((i + 1)) $((9 + i % 2))
        printf 'w0.%d\tw1.%d\t%d\n' $i $i $((i % 3))
    done > judged.pairs.txt
    { echo ': topics' && for i in 0 1 2 3 4 5 6 7 8; do echo "w0.$i w1.$i w0.$((i + 1)) w1.$((i + 1))"; done; } > questions
    w2v-train --dim 12 --epochs 6 --lr 0.05 --sample 0 --eval judged.pairs.txt --eval ./questions --log log -o model.tns \
        words.tns 2> err
    [ "$(grep -c '^w2v-train: epoch [1-6]: loss [0-9.]*, judged.pairs [-0-9.]*, questions [0-9.]* %$' err)" = 6 ]
    [ "$(grep -c '"eval.judged.pairs": .*"eval.questions": [0-9]' log)" = 6 ]
    printf '%.4f\n' "$(tail -n 1 log | sed 's/.*"eval.judged.pairs": \([-0-9.e]*\).*/\1/')" > last
    [ "$(cat last)" = "$(embed --model model.tns --eval judged.pairs.txt | tail -n 1 | cut -f1)" ]
    printf '%.2f\n' "$(tail -n 1 log | sed 's/.*"eval.questions": \([-0-9.e]*\).*/\1/')" > last
    embed --model model.tns --eval questions | grep '^total' | cut -f5 | diff last -
    # to be measured changes nothing
    w2v-train -q --dim 12 --epochs 6 --lr 0.05 --sample 0 words.tns > plain.tns
    cmp model.tns plain.tns
    # rows within an epoch have none, nor do words that are not there
    words 40000 0 > long.tns
    printf 'x y 1\n' > unknown.txt
    w2v-train --dim 4 --epochs 1 --eval unknown.txt --log log long.tns 2> err > /dev/null
    head -n 1 log | grep -q '"eval.unknown": null'
    grep -q 'epoch 1: loss [0-9.]*, unknown: no answer' err
}
