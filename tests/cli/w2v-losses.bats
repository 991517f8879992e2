# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# 600 sentences of eight words, each about one of four topics: t0w0 .. t3w9.
words() {
    awk 'BEGIN { x = 12345
        for (s = 0; s < 600; s++) { line = ""
            for (i = 0; i < 8; i++) { x = (x * 1103515245 + 12345) % 2147483648
                line = line (i ? " " : "") "t" s % 4 "w" int(x / 65536) % 10 }
            print line } }' | tokenize --level space
}

# The nine other words of a topic are each word's nearest.
topics_are_learned() {
    for topic in 0 1 2 3; do
        embed --model "$1" --neighbors "t${topic}w3" --top 9 > near
        [ "$(grep -c "	t${topic}w" near)" = 9 ] || fail "$2: $(cat near)"
    done
}

@test "hs learns what company words keep, by both models and every level of kernels, and the same for any number of threads" {
    words > words.tns
    for how in "--model skipgram" "--model cbow" "--window 500 --no-dynamic-window" "--isa plain" "--isa avx2"; do
        # shellcheck disable=SC2086
        w2v-train -q --loss hs --dim 16 --epochs 20 --sample 0 --lr 0.05 $how --threads 1 words.tns > model.tns || {
            grep -q avx2 <<< "$how" && continue # not on this CPU
            fail "$how"
        }
        topics_are_learned model.tns "$how"
        for threads in 2 4; do
            # shellcheck disable=SC2086
            w2v-train -q --loss hs --dim 16 --epochs 20 --sample 0 --lr 0.05 $how --threads "$threads" words.tns > again.tns
            cmp model.tns again.tns
        done
    done
    w2v-train -q --loss hs --dim 8 --epochs 1 --lock-free --threads 2 words.tns | tns verify -
}

@test "hs keeps a row of w.out for each inner node, in the order they are made; its loss begins with the ways' length" {
    # counts 4 2 1 1 and two words that never occur: inner nodes 0 (<s>, </s>), 1 (c, d), ...
    printf 'a b c d a b a a\n' | tokenize --level space > words.tns
    w2v-train -q --loss hs --dim 3 --epochs 3 --sample 0 words.tns > model.tns
    tns ls model.tns | grep -q 'option.loss=hs'
    tns text model.tns | grep -A8 '^tensor w.out' | tail -n 8 > rows
    [ "$(sed -n '1p;6,8p' rows | sort -u)" = "0 0 0" ] # a tree of six leaves has five inner nodes; the first is met by nobody
    [ "$(sed -n 2,5p rows | grep -c '^0 0 0$')" = 0 ]
    words | w2v-train -q --loss hs --dim 8 --epochs 1 --lr 1e-9 --sample 0 --log log
    # 40 words alike, five or six nodes above each, log 2 at each node
    awk -F'[:,]' 'END { exit !($6 > 5 * log(2) && $6 < 6 * log(2)) }' log
}

@test "options that a loss has no use for are refused by name" {
    words > words.tns
    expect 2 w2v-train -q --loss hs --negative 5 words.tns
    grep -q '^w2v-train: --negative is for --loss ns' err
    expect 2 w2v-train -q --loss nce words.tns
    grep -q "ns|hs\|ns, hs\|ns or hs" err || fail "$(cat err)"
}
