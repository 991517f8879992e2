# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# 600 sentences of eight words, each about one of four topics: t0w0 .. t3w9.
topics() {
    awk 'BEGIN { x = 12345
        for (s = 0; s < 600; s++) { line = ""
            for (i = 0; i < 8; i++) { x = (x * 1103515245 + 12345) % 2147483648
                line = line (i ? " " : "") "t" s % 4 "w" int(x / 65536) % 10 }
            print line } }'
}

words() { topics | tokenize --level space; }

@test "learns what company words keep, by both models, every window and every level of kernels" {
    words > words.tns
    for how in "--model skipgram" "--model cbow" "--window 500 --no-dynamic-window" "--isa plain" "--isa avx2" \
        "--negative 13" "--dim 30 --window 2"; do
        # shellcheck disable=SC2086
        w2v-train -q --dim 16 --epochs 20 --sample 0 --lr 0.05 $how words.tns > model.tns || {
            grep -q avx2 <<< "$how" && continue # not on this CPU
            fail "$how"
        }
        for topic in 0 1 2 3; do
            embed --model model.tns --neighbors "t${topic}w3" --top 9 > near
            [ "$(grep -c "	t${topic}w" near)" = 9 ] || fail "$how: $(cat near)"
        done
    done
}

@test "the model holds both matrices, the vocabulary and how it was made" {
    words | w2v-train -q --dim 5 --epochs 2 -o model.tns
    run tns ls model.tns
    assert_success
    assert_line --regexp 'profile=model/w2v'
    assert_line --regexp 'option.dim=5.* option.dynamic-window=yes option.epochs=2 .*option.lr=0.0375 .*pos.epochs=2 pos.words=9600'
    assert_line --regexp 'hop.0000="tokenize.*hop.0001="w2v-train .*--dim=5 .*--seed=1 --isa='
    assert_line --regexp 'vocab.text +.*tokenize.level=space'
    assert_line --regexp 'w.in +f32 +\[44,5\]'
    assert_line --regexp 'w.out +f32 +\[44,5\]'
    [[ $output != *threads* ]]
    tns text model.tns | grep -A4 '^tensor w.in' | tail -n 4 > special
    [ "$(sort -u special)" = "0 0 0 0 0" ] # the rows of <pad> <unk> <s> </s>
    words | w2v-train -q --model cbow --dim 5 --epochs 1 | tns ls - | grep -q option.lr=0.05
}

@test "the same bytes twice, for any number of threads, and from a pipe as from a file; others for another seed" {
    words > words.tns
    for model in skipgram cbow; do
        w2v-train -q --model $model --dim 20 --epochs 3 --threads 1 words.tns > one.tns
        for threads in 1 2 4; do
            w2v-train -q --model $model --dim 20 --epochs 3 --threads $threads < <(cat words.tns) > two.tns
            cmp one.tns two.tns
        done
        w2v-train -q --model $model --dim 20 --epochs 3 --seed 2 words.tns > two.tns
        expect 1 cmp -s one.tns two.tns
    done
}

@test "--show-pairs prints whole windows, across unknown words and joined parts but not across sentences" {
    printf '我爱学习爱劳动，是个好青年\n' | tokenize --level grapheme --punct drop > zh.tns
    w2v-train --show-pairs --window 2 zh.tns > pairs
    printf '我\t爱\n我\t学\n爱\t我\n爱\t学\n爱\t习\n' > wanted
    cmp <(head -n 5 pairs) wanted
    [ "$(wc -l < pairs)" = 42 ] # 12 characters, 4 pairs each, less 3 at either end
    printf 'a b rare c\nb c\na a b b c c\n' | tokenize --level space --min-count 2 |
        w2v-train --show-pairs --window 1 > pairs
    head -n 6 pairs | tr '\t\n' ' ,' > line
    [ "$(cat line)" = "a b,b a,b c,c b,b c,c b," ]
    # one sentence in two parts, then one whose middle word is a tab
    cat > parts.txt << 'END'
segment profile=tokens
tensor vocab.text.offsets u64 [8]
0 5 10 13 17 18 19 20
tensor vocab.text utf8 [20]
"<pad>"
"<unk>"
"<s>"
"</s>"
"a"
"b"
"\t"
tensor vocab.count u64 [7]
0 0 0 0 2 2 1
batch 3
column ids.offsets u64 [4]
0 1 2 5
column ids u32 [5]
4 5 4 6 5
column continued bool [3]
0 1 0
end status=complete
END
    tns import parts.txt -o parts.tns
    w2v-train --show-pairs --window 1 parts.tns > pairs
    printf 'a\tb\nb\ta\na\t\\x09\n\\x09\ta\n\\x09\tb\nb\t\\x09\n' > wanted
    cmp pairs wanted
}

@test "--log has the loss since the line before; progress goes to stderr and -q is silent" {
    words > words.tns
    expect 0 w2v-train --dim 16 --epochs 10 --sample 0 --lr 0.05 --log log words.tns
    grep -q 'words/s' err
    [ "$(wc -l < log)" = 10 ]
    head -n 1 log | grep -Eq '^\{"step": 4800, "epoch": 1, "loss": [23]\.[0-9]+, "lr": [0-9.]+, "tokens_per_second": .*"seconds": '
    # below the 4.16 of six terms log 2 with which it begins, and falling
    awk -F'[:,]' '{ if (NR > 1 && $6 > last + 0.02) exit 1; last = $6 } END { exit !(last < 1.7) }' log
    expect 0 w2v-train -q --dim 4 --epochs 1 words.tns
    [ ! -s err ]
}

@test "several segments make one model; other vocabularies, parts and other profiles are refused" {
    topics > text
    head -n 300 text | tokenize --level space > words.tns
    cat words.tns words.tns | w2v-train -q --dim 4 --epochs 1 -o both.tns
    tns ls both.tns | grep -q pos.words=4800
    printf 'x y z\n' | tokenize --level space > other.tns
    expect 65 w2v-train -q <(cat words.tns other.tns)
    grep -q 'its vocabulary differs' err
    tns head -n 3 words.tns > part.tns
    expect 65 w2v-train -q part.tns
    grep -q 'is partial' err
    expect 65 w2v-train -q both.tns
    grep -q 'wants tokens or vectors, got model/w2v' err
}

@test "bad input: nothing to learn, ids beyond the vocabulary, truncated, failed upstream; nothing is left behind" {
    words > words.tns
    printf '' | tokenize > empty.tns
    expect 65 w2v-train empty.tns
    grep -q 'holds no words to learn from' err
    expect 65 w2v-train /dev/null -o model.tns
    head -c 3000 words.tns > cut.tns
    expect 65 w2v-train cut.tns -o model.tns
    grep -q 'byte' err
    # the last id of the last batch becomes one past the vocabulary
    tns text words.tns | awk '/^column ids u32/ { print; getline; sub(/[0-9]+$/, "44") } { print }' | tns import -o beyond.tns -
    expect 65 w2v-train beyond.tns -o model.tns
    grep -q "column 'ids', row [0-9]*: 44 is beyond the vocabulary of 44 words" err
    w2v-train cut.tns > failed.tns 2> /dev/null || true
    expect 69 w2v-train failed.tns -o model.tns
    [ ! -e model.tns ]
    # one word is enough to be trained on, if not to learn from
    printf 'a\n' | tokenize --level space | w2v-train -q --dim 3 > one.tns
    tns verify one.tns
}

@test "a diverging loss is status 3 and writes nothing over what was there" {
    words > words.tns
    echo old > model.tns
    expect 3 w2v-train -q --lr 1e9 --epochs 50 words.tns -o model.tns
    grep -q 'training diverged: .* in epoch .*smaller --lr' err
    [ "$(cat model.tns)" = old ]
    expect 3 w2v-train -q --model cbow --lr 1e9 --epochs 50 words.tns -o model.tns
    [ "$(cat model.tns)" = old ]
}

@test "misuse is named" {
    words > words.tns
    expect 2 w2v-train --dim abc words.tns
    grep -q "dim: 'abc' is not a whole number" err
    expect 2 w2v-train --threads 0 words.tns
    expect 2 w2v-train --lr 0 words.tns
    expect 2 w2v-train --negative 65 words.tns
    expect 2 w2v-train --windows 3 words.tns
    grep -q "did you mean '--window'" err
    expect 1 w2v-train missing.tns
    grep -q 'missing.tns: No such file' err
    expect 1 w2v-train words.tns -o missing/model.tns
    expect 1 w2v-train words.tns --log missing/log
    mkfifo never # whoever opens it waits: the log is tried before the input is read
    expect 1 timeout 5 w2v-train never --log missing/log
    cp words.tns before.tns
    expect 2 w2v-train words.tns --log ./words.tns
    grep -q "^w2v-train: --log: './words.tns' is used for something else too (name another file)" err
    expect 2 w2v-train --log words.tns < words.tns
    expect 2 w2v-train words.tns --log new.tns -o ./new.tns
    grep -q 'is the output too' err
    expect 2 w2v-train words.tns --log -
    cmp words.tns before.tns
    expect 1 w2v-train -q --epochs 1 --dim 2 words.tns -o /dev/full
    grep -q 'No space left' err
}
