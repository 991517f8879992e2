#!/usr/bin/env bats
# tokenize as its user meets it. Which text becomes which tokens is tabled in tests/unit/text.c.

load helper
setup() { runnel_setup; }

# The elements of a tensor or of a column's first batch: one line of numbers, or words in quotes, joined by spaces.
values() { # FILE NAME
    tns text "$1" > text || return 1
    awk -v name="$2" '/^(segment|tensor|column|batch|end) /{on = $2 == name; next} on{printf "%s%s", sep, $0; sep = " "}
                      END{print ""}' text
}

says() { # FILE NAME EXPECTED
    run values "$1" "$2"
    assert_success
    assert_output "$3"
}

@test "tokenize: a Chinese sentence becomes its characters, or its words" {
    printf '我爱学习爱劳动，是个好青年\n' > zh
    tokenize --level grapheme --punct drop --keep-text zh > out.tns
    says out.tns tok.text '"我" "爱" "学" "习" "爱" "劳" "动" "是" "个" "好" "青" "年"'
    says out.tns ids "12 4 10 6 4 8 7 13 5 9 14 11"
    says out.tns ids.offsets "0 12"
    tokenize --keep-text < zh > out.tns
    says out.tns tok.text '"我" "爱" "学习" "爱" "劳动" "，" "是" "个" "好" "青年"'
}

@test "tokenize: the vocabulary stands in front, by falling count, and says how text was split" {
    printf 'b a b\n\nc b a d\n' > in
    tokenize --level space in -o all.tns
    says all.tns vocab.text '"<pad>" "<unk>" "<s>" "</s>" "b" "a" "c" "d"'
    says all.tns vocab.count "0 0 0 0 3 2 1 1"
    says all.tns ids "4 5 4 6 4 5 7"
    says all.tns ids.offsets "0 3 3 7"
    says all.tns continued "0 0 0"
    run tns ls all.tns
    assert_line --regexp '^tensor +vocab.text .* tokenize.level=space tokenize.lower=no tokenize.normalize=none tokenize.punct=keep$'
    tns verify all.tns

    expect 0 tokenize --level space --min-count 2 --keep-text in
    says out vocab.text '"<pad>" "<unk>" "<s>" "</s>" "b" "a"'
    says out vocab.count "0 2 0 0 3 2"
    says out ids "4 5 4 1 4 5 1"
    says out tok.text '"b" "a" "b" "c" "b" "a" "d"'
    run cat err
    assert_output "tokenize: 2 of 7 tokens are not in the vocabulary and became <unk>"
    expect 0 tokenize --level space --max-vocab 1 --quiet in
    says out ids "4 1 4 1 4 1 1"
    [ ! -s err ]
    # words spelt like special tokens are these
    printf 'x <unk> </s>\n' | tokenize --level space > out
    says out ids "4 1 3"
}

@test "tokenize --vocab: splits as the vocabulary was made, refuses what differs, counts what it lacks" {
    printf 'The River, the LAKE\n' > train
    tokenize --lower --punct drop train > train.tns
    tokenize --vocab train.tns train > same.tns
    [ "$(values train.tns ids)" = "$(values same.tns ids)" ]
    [ "$(values train.tns vocab.count)" = "$(values same.tns vocab.count)" ]
    digest=$(tns digest train.tns | cut -c1-32)
    run tns ls same.tns
    assert_output --partial "parent=$digest"
    assert_output --partial "--level=word --lower=yes --normalize=none --punct=drop"

    printf 'A river!\nnothing\n' > new
    expect 0 tokenize --vocab train.tns --keep-text new
    says out ids "1 6 1"
    says out tok.text '"a" "river" "nothing"'
    run cat err
    assert_output "tokenize: 2 of 3 tokens are not in the vocabulary and became <unk>"
    expect 0 tokenize --vocab train.tns --lower --level word new

    expect 2 tokenize --vocab train.tns --level grapheme new
    run cat err
    assert_output "tokenize: reading the vocabulary: train.tns: --level=grapheme was asked for, but its words were made with --level=word (leave --level out)"
    expect 2 tokenize --vocab train.tns --no-lower new
    run cat err
    assert_output --partial "--lower=no was asked for, but its words were made with --lower=yes"
    expect 2 tokenize --vocab train.tns --min-count 2 new
    expect 2 tokenize --vocab - < new
    # a stream of two segments has one vocabulary or none
    cat train.tns train.tns > twice.tns
    tokenize --vocab twice.tns new > out 2> err
    printf 'other words\n' | tokenize --lower --punct drop | cat train.tns - > mixed.tns
    expect 65 tokenize --vocab mixed.tns new
    grep -q "its vocabulary differs" err
}

@test "tokenize --vocab: what is no vocabulary is refused" {
    printf 'a b c\n' | tokenize > good.tns
    expect 1 tokenize --vocab missing.tns < /dev/null
    expect 65 tokenize --vocab /dev/null < /dev/null
    head -c 700 good.tns > cut.tns
    expect 65 tokenize --vocab cut.tns < /dev/null
    head -c -1 good.tns > cut.tns
    expect 65 tokenize --vocab cut.tns < /dev/null
    printf 'plain text\n' > text.tns
    expect 65 tokenize --vocab text.tns < /dev/null
    tns text good.tns > good.txt
    sed 's/"<unk>"/"<any>"/' good.txt | tns import --format text > other.tns
    expect 65 tokenize --vocab other.tns < /dev/null
    grep -q "no '<unk>' as word 1" err
    sed 's/tokenize.level=word/tokenize.level=rune/' good.txt | tns import --format text > other.tns
    expect 65 tokenize --vocab other.tns < /dev/null
    sed 's/tokenize.punct=/tokenize.point=/' good.txt | tns import --format text > other.tns
    expect 65 tokenize --vocab other.tns < /dev/null
    grep -q -- "--point=keep, which is not known here" err
    # one that came from elsewhere says nothing: the options given hold
    sed 's/ tokenize\.[a-z]*=[a-z]*//g' good.txt | tns import --format text > other.tns
    printf 'A  b.\n' | tokenize --vocab other.tns --level space --lower --quiet > out
    says out ids "4 1"
}

@test "tokenize --input pairs: two sides, two vocabularies or one" {
    printf 'the house\tla casa\nthe\tla la\n' > pairs
    tokenize --input pairs --keep-text pairs > two.tns
    says two.tns src.vocab.text '"<pad>" "<unk>" "<s>" "</s>" "the" "house"'
    says two.tns tgt.vocab.text '"<pad>" "<unk>" "<s>" "</s>" "la" "casa"'
    says two.tns src.ids "4 5 4"
    says two.tns tgt.ids "4 5 4 4"
    says two.tns tgt.ids.offsets "0 2 4"
    says two.tns tgt.continued "0 0"
    says two.tns tgt.tok.text '"la" "casa" "la" "la"'
    run tns ls two.tns
    assert_line --regexp '^head .*profile=pairs'
    tokenize --input pairs --vocab two.tns pairs > again.tns
    [ "$(values two.tns tgt.ids)" = "$(values again.tns tgt.ids)" ]

    tokenize --input pairs --shared-vocab pairs > one.tns
    says one.tns vocab.text '"<pad>" "<unk>" "<s>" "</s>" "la" "the" "casa" "house"'
    says one.tns src.ids "5 7 5"
    says one.tns tgt.ids "4 6 4 4"
    # the same lines as plain text: a pair is one item, the TAB is white space; and its vocabulary fits the pairs
    tokenize pairs > items.tns
    says items.tns ids "5 7 4 6 5 4 4"
    tokenize --input pairs --vocab items.tns pairs > one.tns
    says one.tns src.ids "5 7 5"

    printf 'a\tb\nno tab\n' > bad
    expect 65 tokenize --input pairs bad
    grep -qx "tokenize: bad:2: no TAB (a line of pairs is: source, one TAB, target)" err
    expect 2 tokenize --input pairs --item file pairs
    expect 2 tokenize --shared-vocab pairs
    expect 65 tokenize --vocab two.tns pairs
}

@test "tokenize --item: lines, paragraphs, files; a long item goes on in parts" {
    printf 'a b\nc\n\nd\n' > one
    printf 'e' > two
    : > none
    tokenize --keep-text one two none > out
    says out ids.offsets "0 2 3 3 4 5"
    tokenize --item paragraph --keep-text one two none > out
    says out ids.offsets "0 3 4 5"
    tokenize --item file --keep-text --level grapheme one two none > out
    says out tok.offsets "0 9 10"
    says out tok.text '"a" " " "b" "\n" "c" "\n" "\n" "d" "\n" "e"'

    yes a | head -n 70000 | tr '\n' ' ' > long
    tokenize < long > out
    says out ids.offsets "0 65536 70000"
    says out continued "0 1"
    (cat long; printf '\tb\n') | tokenize --input pairs > out
    says out src.ids.offsets "0 65536 70000"
    says out tgt.ids.offsets "0 0 1"
    says out src.continued "0 1"
    says out tgt.continued "0 1"
    tns verify out
}

@test "tokenize: text that is not UTF-8 is mended and reported, or refused" {
    printf 'ok\ncaf\351 \377x\n' > bad
    expect 0 tokenize --level space --keep-text bad
    says out tok.text '"ok" "caf�" "�x"'
    run cat err
    assert_output "tokenize: bad:2: not UTF-8; U+FFFD was put in 2 times in all (--strict refuses such text)"
    expect 65 tokenize --strict bad
    run cat err
    assert_output "tokenize: bad:2: not UTF-8, byte 0xE9 (without --strict it becomes U+FFFD)"
    expect 65 tokenize --strict -o new.tns bad
    [ ! -e new.tns ]
    # byte order mark, CR LF, NUL, no line end at the end
    printf '\357\273\277a\r\nb\0c' | tokenize --level space --strict > out
    says out ids.offsets "0 1 2"
    says out vocab.text '"<pad>" "<unk>" "<s>" "</s>" "a" "b\x00c"'
}

@test "tokenize: nothing in, an empty stream out; wrong files and options are named" {
    expect 0 tokenize < /dev/null
    tns verify out
    run tns ls out
    assert_output --partial "items=0"
    printf '\n\n' | tokenize > out
    says out ids.offsets "0 0 0"
    tokenize --vocab out --quiet < /dev/null > empty.tns
    tns verify empty.tns

    expect 1 tokenize missing
    grep -qx "tokenize: missing: No such file or directory" err
    expect 1 tokenize .
    grep -q "tokenize: .: is a directory" err
    if [ "$(id -u)" != 0 ]; then
        printf 'a\n' > secret
        chmod 0 secret
        expect 1 tokenize secret
    fi
    expect 1 tokenize -o nowhere/out.tns < /dev/null
    printf 'a b\n' > in
    run bash -c 'tokenize in > /dev/full'
    assert_failure 1
    assert_output --partial "No space left on device"
    expect 1 env TMPDIR="$PWD/nowhere" tokenize in
    grep -q "set TMPDIR" err
    expect 2 tokenize --levle word in
    grep -q "level" err
    expect 2 tokenize --level words in
    expect 2 tokenize --min-count 0 in
    expect 2 tokenize --max-vocab abc in
    expect 2 tokenize --threads 0 in
    expect 2 tokenize --level byte --punct drop in
    expect 2 tokenize --input conllu in
    # a text that cannot be read to its end gives no file
    expect 1 tokenize in missing -o out.tns
    [ ! -e out.tns ]
}

@test "tokenize: the same bytes under every locale, on every run, for any number of threads, however bytes arrive" {
    printf 'TITLE İstanbul 我爱学习 e\314\201 3,5\n\tzwei Wörter\n' > in
    tokenize --lower --normalize nfc in > first
    for locale in C POSIX C.UTF-8 tr_TR.UTF-8 de_DE.UTF-8 zh_CN.GB18030; do
        LC_ALL=$locale LANG=$locale tokenize --lower --normalize nfc in > out
        cmp first out
    done
    for threads in 1 2 4; do
        tokenize --threads $threads --lower --normalize nfc in > out
        cmp first out
    done
    dd if=in bs=1 status=none | tokenize --lower --normalize nfc > out
    cmp first out
    # two files are two texts, as one after the other
    tokenize in in > twice
    cat in in | tokenize > out
    cmp twice out
}

@test "tokenize: a reader that goes away ends it in silence" {
    seq 200000 | tr '\n' ' ' > in
    tokenize in > vocab.tns
    run bash -o pipefail -c 'tokenize --vocab vocab.tns in in in in 2> err | head -c 1 > /dev/null'
    assert_failure 141
    [ ! -s err ]
}

@test "tokenize: a line of 100 MB is read in constant memory" {
    local megabytes=100 limit=64
    case $RUNNEL_BUILD in *san) megabytes=5 limit=4096 ;; esac # a sanitizer takes memory of its own
    cat > peak.py <<'PY'
import resource, subprocess, sys
megabytes, limit, text = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
run = subprocess.Popen(["tokenize", "--quiet"] + sys.argv[4:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
for _ in range(megabytes):
    run.stdin.write(text * (1000000 // len(text)))
run.stdin.close()
status = run.wait()
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak, "KiB")
sys.exit(status or peak > limit * 1024)
PY
    run python3 peak.py $megabytes $limit "a line of words, "
    assert_success
    run python3 peak.py $megabytes $limit x --level space --keep-text
    assert_success
}
