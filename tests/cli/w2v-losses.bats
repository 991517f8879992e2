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

@test "softmax learns what company words keep, the same for any number of threads; its loss begins at the logarithm of the words" {
    words > words.tns
    for how in "--model skipgram" "--model cbow" "--window 500 --no-dynamic-window --epochs 2" "--isa plain"; do
        # shellcheck disable=SC2086
        w2v-train -q --loss softmax --dim 16 --epochs 20 --sample 0 --lr 0.05 $how --threads 1 words.tns > model.tns
        topics_are_learned model.tns "$how"
    done
    # so many inputs, words and numbers that threads are woken for them
    awk 'BEGIN { for (i = 0; i < 320; i++) printf "w%d%s", i * i % 307, i % 40 == 39 ? "\n" : " " }' |
        tokenize --level space > many.tns
    for threads in 1 2 4; do
        w2v-train -q --loss softmax --dim 2000 --window 40 --no-dynamic-window --sample 0 --epochs 1 --threads $threads \
            many.tns > model$threads.tns
        cmp model1.tns model$threads.tns
    done
    w2v-train -q --loss softmax --dim 8 --epochs 1 --lr 1e-9 --log log words.tns
    grep -q '"loss": 3.6888' log # log 40
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
    expect 2 w2v-train -q --buckets 100 words.tns
    grep -q '^w2v-train: --buckets is for --subwords' err
    expect 2 w2v-train -q --subwords 3-6 --lock-free words.tns
    grep -q '^w2v-train: --lock-free: --subwords' err
    for range in 6-3 0-3 3-33 x 3- ''; do
        expect 2 w2v-train -q --subwords "$range" words.tns
        grep -q "^w2v-train: --subwords: '$range' is no range" err
    done
    expect 2 w2v-train -q --loss softmax --negative 5 words.tns
    expect 2 w2v-train -q --loss softmax --lock-free words.tns
    grep -q '^w2v-train: --lock-free: the threads of --loss softmax' err
    expect 2 w2v-train -q --loss nce words.tns
    grep -q "ns|hs\|ns, hs\|ns or hs" err || fail "$(cat err)"
}

@test "subwords: vectors are the means of their parts, and the same for any number of threads" {
    words > words.tns
    for how in "--model skipgram" "--model cbow" "--loss hs"; do
        # shellcheck disable=SC2086
        w2v-train -q --subwords 2-4 --dim 16 --epochs 20 --sample 0 --lr 0.03 $how --threads 1 words.tns > model.tns
        topics_are_learned model.tns "$how"
        # shellcheck disable=SC2086
        w2v-train -q --subwords 2-4 --dim 16 --epochs 20 --sample 0 --lr 0.03 $how --threads 2 words.tns > again.tns
        cmp model.tns again.tns
    done
    tns ls model.tns > shown
    grep -q 'option.buckets=2000000.* option.subwords=2-4' shown
    grep -Eq 'w.word +f32 +\[44,16\]' shown
    grep -Eq 'w.sub.bucket +u32 +\[[0-9]+\] +subword.buckets=2000000 subword.max=4 subword.min=2' shown
    # "ab" is the most frequent word: its n-grams <ab and ab> have the first rows
    printf 'ab c ab ccc ab dd\n' | tokenize --level space | w2v-train -q --subwords 3 --dim 3 --epochs 5 --sample 0 > model.tns
    tns text model.tns > shown
    for tensor in w.in w.word; do grep -A5 "^tensor $tensor " shown | tail -n 1; done > rows
    grep -A2 '^tensor w.sub ' shown | tail -n 2 >> rows
    awk '{ for (i = 1; i <= 3; i++) x[NR, i] = $i }
        END { for (i = 1; i <= 3; i++) { d = x[1, i] - (x[2, i] + x[3, i] + x[4, i]) / 3; if (d * d > 1e-12) exit 1 } }' rows
    grep -A4 '^tensor w.in ' shown | tail -n 4 > special # <pad> <unk> <s> </s> have no n-grams
    [ "$(sort -u special)" = "0 0 0" ]
}

@test "subwords that diverge: more buckets are advised where they are few" {
    words > words.tns
    expect 3 w2v-train -q --subwords 2-4 --buckets 2 --lr 1e9 --epochs 50 words.tns -o model.tns
    grep -q 'training diverged: .* (try a smaller --lr than 1e+09, or more --buckets than 2)' err
    expect 3 w2v-train -q --subwords 2-4 --lr 1e9 --epochs 50 words.tns -o model.tns
    grep -q 'training diverged: .* (try a smaller --lr than 1e+09)' err
}

@test "subwords give a word that was never met the company of words spelled like it" {
    # what a word is about stands at its end
    awk 'BEGIN { x = 12345; split("ing ment ness ship", end, " ")
        for (s = 0; s < 800; s++) { line = ""
            for (i = 0; i < 8; i++) { x = (x * 1103515245 + 12345) % 2147483648; n = int(x / 65536) % 20
                line = line (i ? " " : "") sprintf("%c%c", 97 + n, 101 + n % 7) end[1 + s % 4] }
            print line } }' | tokenize --level space > words.tns
    w2v-train -q --subwords 3-5 --buckets 5000 --dim 16 --epochs 10 --sample 0 words.tns > model.tns
    for end in ing ment ness ship; do
        embed --model model.tns --neighbors "xyz$end" --top 9 > near
        [ "$(grep -c "	[a-z]*$end	\|	[a-z]*$end\$" near)" = 9 ] || fail "$(cat near)"
    done
}

@test "a run with subwords goes on exactly from a checkpoint, and further from its model, with new words" {
    words > words.tns
    options=(--subwords 2-4 --dim 8 --loss hs)
    w2v-train -q "${options[@]}" --epochs 4 words.tns > whole.tns
    w2v-train -q "${options[@]}" --epochs 4 --checkpoint state.tns words.tns > first.tns
    cmp whole.tns first.tns
    tns ls state.tns | grep -q w.word
    w2v-train -q "${options[@]}" --epochs 4 --checkpoint state.tns --resume words.tns > again.tns
    cmp whole.tns again.tns
    w2v-train -q --init whole.tns --epochs 1 --lr 1e-9 words.tns > next.tns
    tns ls next.tns > shown
    grep -q 'option.subwords=2-4' shown
    for tensor in w.in w.word w.sub w.sub.bucket; do # hardly moved, and in the same rows
        for model in whole next; do
            tns text $model.tns | awk -v t=$tensor '/^tensor|^end/ { on = $2 == t; next }
                on { for (i = 1; i <= NF; i++) print int($i * 10000) }' > $model.txt
        done
        [ -s whole.txt ]
        cmp whole.txt next.txt
    done
    printf 't0w0 t0w9x t0w1\n' | tokenize --level space | w2v-train -q --init whole.tns --grow --epochs 1 -o grown.tns
    tns ls grown.tns | grep -Eq 'w.word +f32 +\[45,8\]'
    w2v-train -q --dim 8 --epochs 1 words.tns > plain.tns
    expect 2 w2v-train -q --init plain.tns --subwords 2-4 words.tns
    grep -q 'plain.tns has no subwords' err
    expect 2 w2v-train -q --init whole.tns --subwords 2-5 words.tns
    grep -Eq 'whole.tns was made with 2-4 and [0-9]+ .give both so, or leave both out' err
    # rows that belong to other n-grams than the vocabulary's
    tns text whole.tns | awk '/^tensor w.sub.bucket/ { print; getline; sub(/^[0-9]+/, $1 == 7 ? 8 : 7) } { print }' | tns import -o other.tns -
    expect 65 w2v-train -q --init other.tns words.tns
    grep -q "w.sub.bucket" err
}
