#!/usr/bin/env bats
# Texts and streams that hold little, too much, or half of what they should: from tokenize to w2v-train.

load helper

setup() { runnel_setup; }

@test "nothing to learn from: no words, rare words alone, unknown words alone" {
    none() { # stream
        expect 65 w2v-train "$1" -o model.tns
        grep -q "w2v-train: $1: holds no words to learn from" err
        expect 65 w2v-train --model cbow "$1" -o model.tns
        [ ! -e model.tns ]
    }
    printf '' | tokenize > empty.tns
    printf '\n \n\t\n\n' | tokenize > blank.tns
    printf 'a b c\nd e f\n' > rare.txt
    expect 0 tokenize --min-count 5 rare.txt -o rare.tns
    grep -q '^tokenize: 6 of 6 tokens are not in the vocabulary and became <unk>$' err
    printf 'a b\n' | tokenize > other.tns
    expect 0 tokenize --vocab other.tns -o unknown.tns <<< 'c d e'
    grep -q '^tokenize: 3 of 3 tokens' err
    for stream in empty blank rare unknown; do none $stream.tns; done
    expect 65 w2v-train < /dev/null
    grep -q 'standard input: is empty: not even a HEAD' err
    # through a pipe the failure travels
    tokenize --min-count 5 rare.txt 2> /dev/null | w2v-train 2> /dev/null > failed.tns || true
    expect 69 embed --model failed.tns --neighbors a
    # pairs of words to be shown are none, which is no failure
    expect 0 w2v-train --show-pairs rare.tns
    [ ! -s out ]
}

@test "one word only: said, and what comes out is whole" {
    printf 'a\n' | tokenize > token.tns
    yes 'a a a a' | head -n 100 | tokenize > type.tns
    yes 'a' | head -n 1000 | tokenize > alone.tns
    seq 1000 | tokenize > sentences.tns
    for model in skipgram cbow; do
        for stream in token type alone; do
            expect 0 w2v-train --model $model --dim 5 --epochs 2 $stream.tns -o model.tns
            grep -q "w2v-train: $stream.tns: 'a' is the only word, and there is nothing to tell it from" err
            tns verify model.tns
            embed --model model.tns --neighbors a
        done
        expect 0 w2v-train --model $model --dim 5 --sample 0 --log log sentences.tns -o model.tns
        grep -q '^w2v-train: no word met another: the vectors are as they began' err
        grep -q ', no loss$' err
        [ "$(grep -c '"loss": null, .*"pairs": 0,' log)" = 5 ]
        expect 0 w2v-train --model $model --dim 5 --sample 0 type.tns
        grep -q 'no word met another' err && fail "it did"
        expect 0 w2v-train -q --model $model --dim 5 type.tns
        [ ! -s err ]
    done
}

@test "one very long line, with and without blanks" {
    # 20 MB without a blank: a word is cut at 64 KiB, and that is said; memory stays small
    head -c 20000000 /dev/zero | tr '\0' x > solid.txt
    for level in space word; do
        (memory_limit 200000 && expect 0 tokenize --level $level solid.txt -o solid.tns)
        grep -q '^tokenize: words longer than 65536 bytes were cut, [0-9]* times in all' err
        tns verify solid.tns
        expect 0 w2v-train --dim 4 --epochs 1 solid.tns -o model.tns
        tns verify model.tns
    done
    # 4 MB of words in one line: one item in parts, one sentence
    seq 600000 | awk '{ printf "w%d ", $1 % 5000 }' > line.txt
    tokenize --level space line.txt -o line.tns
    [ "$(tns ls line.tns | grep -Eo 'items=[0-9]+')" = items=10 ]
    expect 0 w2v-train --dim 4 --epochs 1 line.tns -o model.tns
    grep -q '600000 words in 1 sentences' err
    tr ' ' '\n' < line.txt | tokenize --level space | tns export -f npy --name ids > wide.npy
    tns export -f npy --name ids line.tns | cmp - wide.npy
}

@test "many different words: each is there, memory in proportion" {
    seq 200000 | awk '{ printf "w%d%s", $1, $1 % 20 ? " " : "\n" }' > many.txt
    (memory_limit 300000 && expect 0 tokenize --level space many.txt -o many.tns)
    tns ls many.tns | grep -Eq 'vocab.count +u64 +\[200004\]'
    (memory_limit 600000 && expect 0 w2v-train -q --threads 1 --dim 8 --epochs 1 many.tns -o model.tns)
    tns ls model.tns | grep -Eq 'w.in +f32 +\[200004,8\]'
    tokenize --level space --max-vocab 1000 many.txt 2> err -o some.tns
    tns ls some.tns | grep -Eq 'vocab.count +u64 +\[1004\]'
    grep -q '199000 of 200000 tokens are not in the vocabulary' err
}

@test "a stream cut anywhere is refused, from a file and through a pipe, and leaves nothing" {
    seq 3000 | awk '{ print "w" $1 % 50, "w" $1 % 7, "w" $1 % 11 }' > text
    tokenize --level space text -o words.tns
    w2v-train -q --dim 4 --epochs 1 words.tns -o whole.tns
    size=$(stat -c %s words.tns)
    for at in 1 7 8 63 64 65 130 500 1000 2048 $((size / 3)) $((size / 2)) $((size - 1000)) $((size - 200)) $((size - 64)) $((size - 1)); do
        head -c $at words.tns > cut.tns
        expect 65 w2v-train -q --dim 4 cut.tns -o model.tns
        grep -Eq '^w2v-train: cut.tns: ' err || fail "at $at: $(cat err)"
        head -c $at words.tns | expect 65 w2v-train -q --dim 4 -o model.tns
        grep -Eq '^w2v-train: standard input: ' err
        head -c $at words.tns | w2v-train -q --dim 4 2> /dev/null | expect 69 tns verify
        [ ! -e model.tns ]
    done
    # the same of the model, at the door of those who use it
    size=$(stat -c %s whole.tns)
    for at in 1 64 500 $((size / 2)) $((size - 1)); do
        head -c $at whole.tns > cut.tns
        expect 65 embed --model cut.tns --neighbors w1
        expect 65 tokenize --vocab cut.tns text
        expect 65 tns export -f word2vec cut.tns -o cut.txt
        [ ! -e cut.txt ]
    done
    # a byte that changed on the way
    for at in 100 1000 $((size / 2)); do
        perl -0777 -pe "substr(\$_, $at, 1) ^= \"\\x10\"" words.tns > changed.tns
        expect 65 w2v-train -q --dim 4 changed.tns -o model.tns
    done
}
