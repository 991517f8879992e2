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

@test "tokenize --max-vocab: rare words are forgotten while there are too many, and every count stays true" {
    seq 1100000 | sed 's/$/ often/' > text # the first million is forgotten
    printf '1050001 3 1050002 often\n' >> text
    expect 0 tokenize --level space --max-vocab 3 text
    says out vocab.text '"<pad>" "<unk>" "<s>" "</s>" "often" "1050001" "1050002"'
    says out vocab.count "0 1099999 0 0 1100001 2 2"
    grep -q "counts may be too low, by 1 at most" err
    [ "$(tns text --words out | grep -c '<unk>')" = 1099999 ]
    [ "$(tns text --words out | grep -v '^<unk> often$' | tr '\n' '/')" = \
        "1050001 often/1050002 often/1050001 <unk> 1050002 often/" ]
    # fewer words than a million are never forgotten
    head -n 100000 text | tokenize --max-vocab 3 2> err > out
    ! grep -q "forgotten" err
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
    says out tok.text '"A" "river" "nothing"'
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

# A text of little sense and many repetitions, with blanks and signs of all kinds.
babble() {
    awk 'BEGIN{srand(5); n = split("the river reading readers lakes 我爱学习 café (newest) 3.5 low, lower;", w, " ")
               for (i = 0; i < 300; i++) {line = ""; for (k = rand() * 12; k > 0; k--)
                   line = line (rand() < .1 ? "  " : rand() < .05 ? "\t" : k > 1 ? " " : "") w[int(rand() * n) + 1]
                   print line (rand() < .1 ? " " : "")}}'
    printf ' <unk> <s>\t<0xE6>é\xc2\xa0\xe3\x80\x80x \n\n😀\n'
}

@test "tokenize --level bpe: pieces are learned, and put back together as they were" {
    babble > in
    tokenize --level bpe --merges 80 in > out.tns
    tns verify out.tns
    tns text --words out.tns | cmp - in
    run tns ls out.tns
    assert_line --regexp 'vocab.merges +u32 +\[80,2\]'
    assert_line --partial "tokenize.level=bpe tokenize.lower=no tokenize.merges=80"
    [ "$(values out.tns vocab.count | tr ' ' '\n' | awk '{n += $1} END{print n}')" = "$(values out.tns ids | wc -w)" ]
    tokenize --vocab out.tns in | tns cmp out.tns -
    # new text: nothing is unknown, whatever it is
    printf 'Ärger  mit \x01 \xf0\x9f\x92\xa9 reading\n' > new
    expect 0 tokenize --vocab out.tns new
    [ ! -s err ]
    tns text --words out | cmp - new
    # small letters are what comes back
    printf 'The READERS\n' | tokenize --level bpe --lower > lower.tns
    [ "$(tns text --words lower.tns)" = "the readers" ]
    # a file as one item, which goes on in parts, is the file
    for i in $(seq 60); do cat in; done > long
    tokenize --level bpe --merges 0 --item file --keep-text long > long.tns
    tns text --words long.tns | cmp - <(cat long; echo)
    run tns ls long.tns
    assert_line --regexp "tok.text +utf8 \\[$(wc -c < long)\\]"
    assert_line --regexp "continued +bool \\[1[0-9]\\]"
    # the kept text stands at the first piece of its word
    printf 'Red READ\n' | tokenize --level bpe --lower --merges 0 --keep-text > out
    says out tok.text '"Red" " READ"'
    says out tok.text.offsets "0 3 3 3 8 8 8 8 8"
    for threads in 1 2 4; do
        tokenize --threads $threads --level bpe --merges 80 in | cmp out.tns -
    done
    tokenize --level bpe < /dev/null | tns verify
}

@test "tokenize --level bpe: pairs, labels, models; what does not go with it" {
    babble | tr '\t' ' ' | paste - <(babble | tr '\t' ' ' | tac) | head -n 250 > pairs
    tokenize --input pairs --level bpe --merges 40 pairs > two.tns
    tns text --words two.tns | cmp - pairs
    tokenize --input pairs --vocab two.tns pairs | tns cmp two.tns -
    tokenize --input pairs --shared-vocab --level bpe --merges 40 --keep-text pairs > one.tns
    tns text --words one.tns | cmp - pairs
    tokenize --input pairs --vocab one.tns --keep-text pairs | tns cmp one.tns -
    sed 's/^/label\t/' pairs > labeled
    tokenize --input labeled --level bpe --merges 40 labeled > out.tns
    tns text --words out.tns | cmp - pairs
    tokenize --input labeled --vocab out.tns labeled | tns cmp out.tns -

    # models carry the merges on
    babble > in
    tokenize --level bpe --merges 60 in > t.tns
    values t.tns ids > wanted
    w2v-train --quiet --dim 4 --epochs 1 t.tns -o w.tns
    rnn-train --quiet --hidden 8 --epochs 1 t.tns -o r.tns
    embed --model w.tns t.tns -o v.tns
    for model in w.tns r.tns v.tns; do
        tokenize --vocab $model in > again.tns
        values again.tns ids | cmp - wanted
    done
    rnn-predict --model r.tns --generate 50 --prime ' reading é' --text > text
    [ "$(head -c 11 text)" = " reading é" ]

    expect 2 tokenize --level bpe --max-vocab 10 in
    grep -q -- "--merges says how many pieces" err
    expect 2 tokenize --level word --merges 10 in
    grep -q "it goes with --level bpe" err
    expect 2 tokenize --level bpe --punct drop in
    tokenize --level word in > words.tns
    expect 2 tokenize --vocab words.tns --merges 10 in
    grep -q -- '--merges: nothing is merged' err
    expect 2 tokenize --vocab t.tns --merges 61 in
    grep -q -- "--merges=61 was asked for, but its words were made with --merges=60" err
    expect 2 tokenize --level bpe --input conllu in
    expect 2 tokenize --input conllu --vocab t.tns in
    tns drop vocab.merges < t.tns > cut.tns
    expect 65 tokenize --vocab cut.tns in
    grep -q "its merges are not there" err
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

@test "tokenize --input labeled: a class an item, taken out of its line" {
    printf 'pos\tGood, VERY good\nneg\tbad\r\nneg\t\nvery neg\ta\tb' > first
    tokenize --input labeled --lower --keep-text first > out.tns
    says out.tns label.vocab.text '"neg" "pos" "very neg"'
    says out.tns label.vocab.count "2 1 1"
    says out.tns label "1 0 0 2"
    says out.tns ids.offsets "0 4 5 5 7"
    says out.tns vocab.text '"<pad>" "<unk>" "<s>" "</s>" "good" "," "a" "b" "bad" "very"'
    says out.tns tok.text '"Good" "," "VERY" "good" "bad" "a" "b"' # as it was written
    tns verify out.tns
    # the label is no text: the same lines without it, as plain text, have the same ids
    cut -f 2- first | tokenize --lower > plain.tns
    [ "$(values out.tns ids)" = "$(values plain.tns ids)" ]
    # --label-last: behind the last TAB
    printf 'Good, VERY good\tpos\nbad\tneg\r\n\tneg\na\tb\tvery neg' > last
    tokenize --input labeled --label-last --lower --keep-text last > last.tns
    for name in label.vocab.text label ids ids.offsets tok.text; do
        [ "$(values out.tns $name)" = "$(values last.tns $name)" ]
    done
    # characters
    tokenize --input labeled --level grapheme --lower --keep-text first > out
    says out ids.offsets "0 15 18 18 21"

    # a part of a long item has the label of the whole, first or last
    yes w | head -n 70000 | tr '\n' ' ' > long
    (printf 'L\t'; cat long; printf '\nM\tx\n') | tokenize --input labeled > out
    says out ids.offsets "0 65536 70000 70001"
    says out continued "0 1 0"
    says out label "0 0 1"
    says out label.vocab.count "1 1"
    (cat long; printf '\tL\nx\tM\n') | tokenize --input labeled --label-last --keep-text > out
    says out label "0 0 1"
    tns verify out

    printf 'a\tb\nno tab\n' > bad
    expect 65 tokenize --input labeled bad
    grep -qx "tokenize: bad:2: no TAB (a line is: label, TAB, text; with --label-last: text, TAB, label)" err
    printf '\ttext\n' > bad
    expect 65 tokenize --input labeled -o new.tns bad
    grep -q "bad:1: its label is empty" err
    [ ! -e new.tns ]
    expect 65 tokenize --input labeled --strict <(printf 'a\377\tb\n')
    expect 2 tokenize --label-last first
    expect 2 tokenize --input labeled --item file first
    expect 2 tokenize --input labeled --tags xpos first
    # a wrong order is not an error, but is noticed
    seq 30 | sed 's/$/\tx/' > many
    expect 0 tokenize --input labeled many
    run cat err
    assert_output "tokenize: 30 different labels in 30 items: are lines 'label TAB text'? (otherwise --label-last)"
    tokenize --input labeled < /dev/null > out
    tns verify out
    says out label.vocab.count ""
}

@test "tokenize --input labeled --vocab: the model's classes keep their ids, others stand behind them" {
    printf 'neg\tbad film\nneg\tbad\npos\tgood\n' | tokenize --input labeled --lower > train.tns
    printf 'odd\tA film\npos\tGood\nmixed\tbad\nmixed\tbad\nneg\tx\n' > new
    expect 0 tokenize --vocab train.tns --input labeled --keep-text new
    says out label.vocab.text '"neg" "pos" "mixed" "odd"'
    says out label.vocab.count "2 1 2 1"
    says out label "3 1 2 2 0"
    says out ids "1 5 6 4 4 1"
    says out tok.text '"A" "film" "Good" "bad" "bad" "x"'
    run cat err
    assert_line "tokenize: 2 of 6 tokens are not in the vocabulary and became <unk>"
    assert_line "tokenize: 3 of 5 labels are not among the 2 of the vocabulary; they stand behind these, from id 2 on"
    tns verify out
    # a vocabulary without labels: they are learned
    tokenize --lower <(printf 'good bad\n') > words.tns
    expect 0 tokenize --vocab words.tns --input labeled new
    says out label.vocab.text '"mixed" "neg" "odd" "pos"'
    says out label "2 3 0 0 1"
    # one with labels serves text and other classes too
    expect 0 tokenize --vocab train.tns --quiet <(printf 'a film\n')
    says out ids "1 5"
    run tns ls out
    refute_output --partial label.vocab
    # all its segments must have the same
    printf 'neg\tbad bad film\npos\tgood\n' | tokenize --vocab train.tns --input labeled > more.tns
    cat train.tns more.tns > both.tns
    tokenize --vocab both.tns --input labeled --quiet new > out
    printf 'odd\tbad\n' | tokenize --vocab train.tns --input labeled --quiet | cat train.tns - > both.tns
    expect 65 tokenize --vocab both.tns --input labeled new
    tokenize --vocab train.tns <(printf 'bad\n') | cat train.tns - > both.tns
    expect 65 tokenize --vocab both.tns --input labeled new
    grep -q "one of its segments has 'label.vocab.text' and another has not" err
}

treebank() {
    cat <<'EOF'
# sent_id = 1
# text = Au Marché , 10 000 .
1-2	Au	_	_	_	_	_	_	_	_
1	À	à	ADP	P	_	3	case	_	_
2	le	le	DET	DA	Def=Y	3	det	_	_
3	Marché	marché	NOUN	S	_	0	root	_	_
3.1	vide	_	VERB	V	_	_	_	_	_
4	10 000	10000	NUM	N	_	3	nummod	_	_

# sent_id = 2
1	le	le	DET	RD	Def=Y	0	root	_	_
EOF
}

@test "tokenize --input conllu: forms are tokens, sentences items, a column the tags" {
    treebank > bank
    tokenize --input conllu --lower --keep-text bank > out.tns
    says out.tns vocab.text '"<pad>" "<unk>" "<s>" "</s>" "le" "10 000" "marché" "à"'
    says out.tns ids "7 4 6 5 4"
    says out.tns ids.offsets "0 4 5"
    says out.tns tag.vocab.text '"DET" "ADP" "NOUN" "NUM"'
    says out.tns tag.vocab.count "2 1 1 1"
    says out.tns tags "1 0 2 3 0"
    says out.tns tok.text '"À" "le" "Marché" "10 000" "le"' # as it was written
    run tns ls out.tns
    assert_line --regexp '^tensor +vocab.text .* tokenize.level=space tokenize.lower=yes '
    assert_line --regexp '^tensor +tag.vocab.text .* tags=upos$'
    assert_line --regexp '^column +tags +u32 +\[5\] +over=ids$'
    tns verify out.tns
    # other columns; CR LF, a byte order mark, no line end at the end
    (printf '\357\273\277'; sed 's/$/\r/' bank | head -c -2) > dos
    tokenize --input conllu --tags xpos dos > out
    says out tag.vocab.text '"DA" "N" "P" "RD" "S"'
    says out tags "2 0 4 1 3"
    tokenize --input conllu --tags feats bank > out
    says out tag.vocab.text '"_" "Def=Y"'
    tokenize --input conllu --tags deprel bank > out
    says out tag.vocab.text '"root" "case" "det" "nummod"'
    # nothing but _: not annotated
    expect 0 tokenize --input conllu <(sed 's/[A-Z]*\t[A-Z]*\t\([_D]\)/_\t_\t\1/' bank)
    says out ids.offsets "0 4 5"
    run tns ls out
    refute_line --regexp '^(tensor|column) +tag'
    run cat err
    assert_output "tokenize: the tag of every word is _: there is no column of tags (--tags chooses another)"
    # punctuation goes with its tag; long sentences go on
    printf '1\t.\t_\tP\t_\t_\t_\t_\t_\t_\n2\ta\t_\tX\t_\t_\t_\t_\t_\t_\n' | tokenize --input conllu --punct drop > out
    says out ids "4"
    says out tag.vocab.text '"X"'
    says out tags "0"
    seq 70000 | sed 's/$/\tw\t_\tX\t_\t_\t_\t_\t_\t_/' > many
    tokenize --input conllu many > out
    says out ids.offsets "0 65536 70000"
    says out continued "0 1"
    tokenize --input conllu --keep-text many > out
    tns verify out

    expect 65 tokenize --input conllu <(treebank | sed '/^$/d')
    grep -q ":10: the ID is 1, not 5 (words count from 1; an empty line ends a sentence)" err
    cut -f 1-9 bank > bad
    expect 65 tokenize --input conllu bad -o new.tns
    grep -qx "tokenize: bad:3: 9 columns, not 10 (CoNLL-U has ten, divided by TABs; an empty line ends a sentence)" err
    [ ! -e new.tns ]
    printf '# \377\n' > bad
    expect 65 tokenize --input conllu bad
    expect 2 tokenize --input conllu --level word bank
    expect 2 tokenize --input conllu --item paragraph bank
    expect 0 tokenize --input conllu --level space bank
    tokenize --input conllu < /dev/null > out
    tns verify out
}

@test "tokenize --input conllu --vocab: words and tags of a model" {
    treebank > bank
    tokenize --input conllu --tags xpos --min-count 2 bank > model.tns
    says model.tns vocab.text '"<pad>" "<unk>" "<s>" "</s>" "le"'
    expect 0 tokenize --input conllu --vocab model.tns <(sed 's/DA\t/D2\t/' bank)
    says out tag.vocab.text '"DA" "N" "P" "RD" "S" "D2"'
    says out tags "2 5 4 1 3"
    says out ids "1 4 1 1 4"
    grep -qx "tokenize: 1 of 5 tags are not among the 5 of the vocabulary; they stand behind these, from id 5 on" err
    expect 2 tokenize --input conllu --vocab model.tns --tags upos bank
    grep -q -- "--tags=upos was asked for, but the vocabulary's tags are xpos" err
    expect 0 tokenize --input conllu --vocab model.tns --tags xpos bank
    # plain text is then split at white space
    printf 'le l, le\n' | tokenize --vocab model.tns --quiet > out
    says out ids "4 1 4"
    # words that were split otherwise are words all the same; characters are none
    tokenize --level word <(printf 'le Marché\n') > words.tns
    expect 0 tokenize --input conllu --vocab words.tns --quiet bank
    says out ids "1 5 4 1 5"
    run tns ls out
    assert_output --partial "tokenize.level=word"
    tokenize --level grapheme bank > characters.tns
    expect 2 tokenize --input conllu --vocab characters.tns bank
    grep -q "characters, bytes or pieces" err
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
    expect 2 tokenize --input json in
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
    printf 'l\ta b\n' | tokenize --input labeled > vocab.tns
    for order in "" --label-last; do # refused at its end, or at once
        run python3 peak.py $megabytes $limit "words and	more " --input labeled $order --vocab vocab.tns --keep-text
        assert_success
    done
    python3 -c 'print("# x" * 10000000)' | tokenize --input conllu > out
    run bash -c 'head -c 3M /dev/zero | tokenize --input conllu'
    assert_failure 65
}
