# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# A model of eight words in the plane: directions in degrees, lengths that must not matter. `unseen` has zeros.
model() {
    cat > model.txt << 'END'
segment profile=model/w2v
tensor vocab.text.offsets u64 [13]
0 5 10 13 17 20 25 29 34 39 44 50 51
tensor vocab.text utf8 [51] tokenize.level=space
"<pad>"
"<unk>"
"<s>"
"</s>"
"man"
"woman"
"king"
"queen"
"apple"
"Pears"
"unseen"
"|"
tensor vocab.count u64 [12]
0 0 0 0 90 80 70 60 50 40 30 20
tensor w.in f32 [12,2]
0 0
0 0
0 0
0 0
1 0
0.984807753 0.173648178
1.73205081 1
0.766044443 0.64278761
0 5
-0.173648178 0.984807753
0 0
-1 0
end status=complete
END
    tns import model.txt -o model.tns
}

@test "tokens get their vectors by the word, unknown ones zeros and a note; all else passes through" {
    model
    printf 'queen man\n\nplum king man\n' | tokenize --level space --keep-text > words.tns
    expect 0 embed --model model.tns words.tns
    grep -q '1 tokens have no vector' err
    tns ls out | grep -q 'profile=vectors'
    tns ls out | grep -Eq 'vec +f32 +\[5,2\] +over=ids'
    tns ls out | grep -q 'tok.text'
    tns ls out | grep -Eq "parent=\"$(tns digest words.tns | cut -c 1-32) $(tns digest model.tns | cut -c 1-32)\""
    tns text out | grep -A5 '^column vec' | tail -n 5 > rows
    printf '0.76604444 0.64278764\n1 0\n0 0\n1.7320508 1\n1 0\n' > wanted
    diff rows wanted
    embed -q --model model.tns < words.tns | cmp - out
    mv out vectors.tns
    expect 65 embed --model model.tns vectors.tns
    grep -q "column 'vec' already" err
}

@test "pairs stay pairs and get vectors on both sides, under one vocabulary and under two" {
    model
    printf 'man\tking queen\nwoman\tplum\n' > pairs.tsv
    for shared in "" --shared-vocab; do
        # shellcheck disable=SC2086
        tokenize --level space --input pairs $shared pairs.tsv | embed --model model.tns > out
        tns ls out | grep -q 'profile=pairs'
        tns text out | grep -A2 '^column src.vec f32 .2,2. over=src.ids' | tail -n 2 | tr '\n' , > rows
        [ "$(cat rows)" = "1 0,0.9848077 0.17364818," ] || fail "$(cat rows)"
        tns text out | grep -A3 '^column tgt.vec f32 .3,2. over=tgt.ids' | tail -n 3 | tr '\n' , > rows
        [ "$(cat rows)" = "1.7320508 1,0.76604444 0.64278764,0 0," ] || fail "$(cat rows)"
    done
}

@test "large batches are cut so that vectors stay small, and nothing is lost" {
    seq 30000 | awk '{ print $1 % 50, $1 % 7, $1 % 11 }' | tokenize --level space > words.tns
    w2v-train -q --dim 64 --epochs 1 < words.tns > model.tns
    embed -q --model model.tns < words.tns > out
    [ "$(tns ls out | grep -Eo 'batches=[0-9]+')" != batches=1 ]
    tns ls out | grep -q 'items=30000'
    tns verify out
    for stream in words.tns out; do
        tns text $stream | awk '/^[a-z]/ { ids = /^column ids u32/; next } ids' | tr -s ' \n' '\n' > $stream.ids
    done
    [ "$(wc -l < out.ids)" = 90000 ]
    cmp words.tns.ids out.ids
    for threads in 1 4; do
        embed -q --threads $threads --model model.tns < words.tns | cmp - out
    done
}

@test "neighbours and analogies, best first, as lines of fields between tabs" {
    model
    expect 0 embed --model model.tns --neighbors queen --neighbors apple --top 3
    cat > wanted << 'END'
queen	king	0.9848
queen	woman	0.8660
queen	man	0.7660
END
    diff <(head -n 3 out) wanted
    [ "$(tail -n 3 out | cut -f 1,2 | tr '\n' ,)" = "apple	Pears,apple	queen,apple	king," ]
    expect 0 embed --model model.tns --neighbors Pears --top 1
    [ "$(cat out)" = "Pears	apple	0.9848" ]
    # answers are looked for among the two most frequent alone
    embed --model model.tns --neighbors apple --most-frequent 2 > out
    [ "$(cut -f 2 out | tr '\n' ' ')" = "woman man " ]
    expect 0 embed --model model.tns --analogy man woman king --top 2
    [ "$(head -n 1 out | cut -f 1-4)" = "man	woman	king	queen" ]
    [ "$(wc -l < out)" = 2 ]
}

@test "a word the model lacks is named, with the nearest spelled one" {
    model
    expect 2 embed --model model.tns --neighbors qeen
    grep -q "'qeen' is not a word of the model (did you mean 'queen'?)" err
    [ ! -s out ]
    expect 2 embed --model model.tns --analogy man zebrafish king
    grep -q "'zebrafish' is not a word of the model$" err
    expect 2 embed --model model.tns --neighbors unseen
    grep -q "'unseen' has a vector of zeros" err
    expect 0 embed --model model.tns --neighbors KING # looked up again in small letters
}

# The model with subwords, which all fall in one bucket whose row points where `apple` does. The model's words are in lower case.
subword_model() {
    model
    sed -e 's/tokenize.level=space/& tokenize.lower=yes/' \
        -e 's/^end status.*/tensor w.sub.bucket u32 [1] subword.buckets=1 subword.max=3 subword.min=3\n0\ntensor w.sub f32 [1,2]\n0 2\n&/' \
        model.txt | tns import -o sub.tns -
}

@test "words that a model with subwords lacks get vectors made of theirs" {
    subword_model
    printf 'queen plum\n?\n' | tokenize --level space > words.tns # of `?` there is <?>
    expect 0 embed --model sub.tns words.tns
    tns text out | grep -A3 '^column vec' | tail -n 3 > rows
    printf '0.76604444 0.64278764\n0 2\n0 2\n' | diff rows -
    grep -q '2 tokens are no words of the model and got vectors made of their subwords' err
    [ "$(wc -l < err)" = 1 ]
    # what a vocabulary has made <unk> has lost its text, unless it was kept
    printf 'king plum\n' | tokenize --vocab model.tns --keep-text > kept.tns
    tns drop tok.text tok.text.offsets tok.offsets < kept.tns > lost.tns
    expect 0 embed --model sub.tns kept.tns
    tns text out | grep -A2 '^column vec' | tail -n 1 | grep -qx '0 2'
    expect 0 embed --model sub.tns lost.tns
    tns text out | grep -A2 '^column vec' | tail -n 1 | grep -qx '0 0'
    grep -q '1 tokens have no vector in the model and got zeros' err
    expect 0 embed --model sub.tns --neighbors plum --top 1
    [ "$(cat out)" = "plum	apple	1.0000" ]
    grep -q "'plum' is not a word of the model; its vector is made of its subwords" err
    printf 'man plum cherry\nplum apple\nunseen\n' | embed -q --model sub.tns --ask - --top 1 > out
    [ "$(cut -f 1-4 out | tr '\n' ,)" = "man	plum	cherry	Pears,plum	apple	1.0000,unseen	apple	1.0000," ]
    # in an evaluation where all words count
    printf 'plum\tapple\t9\nman\tapple\t1\nking\tqueen\t5\n' > pairs
    expect 0 embed --model sub.tns --eval pairs
    [ "$(tail -n 1 out)" = "1.0000	3	3	100.00	0" ]
    grep -q '1 of the lines answered have words that the model lacks' err
    expect 0 embed --model sub.tns --eval pairs --most-frequent 100
    [ "$(tail -n 1 out)" = "1.0000	2	3	66.67	1" ]
    printf 'man woman plum apple\nman woman king plum\n' > questions
    expect 0 embed --model sub.tns --eval questions --most-frequent 0
    [ "$(tail -n 1 out | cut -f 3,4)" = "1	2" ]
    tns text sub.tns | sed 's/^0 2$/0 nan/' | tns import -o bad.tns -
    expect 65 embed --model bad.tns --neighbors plum
    grep -q 'w.sub' err
    # one that was trained so
    printf 'walked walking talked talking\n%.0s' $(seq 40) | tokenize --level space | w2v-train -q --dim 8 --subwords 3-4 > trained.tns
    expect 0 embed --model trained.tns --neighbors talks --top 4
    [ "$(wc -l < out)" = 4 ]
    expect 2 embed --model trained.tns --neighbors zyx
    grep -q "'zyx' is not a word of the model" err
}

@test "--eval answers analogy questions by section and in all" {
    model
    cat > questions << 'END'
: family
man woman king queen
MAN WOMAN KING QUEEN
man woman apple queen
man plum king queen
: gram1-plural

king queen man woman
END
    expect 0 embed --model model.tns --eval questions
    cat > wanted << 'END'
section	right	answered	asked	percent	percent_asked	outside
family	2	3	4	66.67	50.00	1
gram1-plural	1	1	1	100.00	100.00	0
semantic	2	3	4	66.67	50.00	1
syntactic	1	1	1	100.00	100.00	0
total	3	4	5	75.00	60.00	1
END
    diff out wanted
    expect 0 embed --model model.tns --eval questions --most-frequent 3 # without queen
    [ "$(tail -n 1 out)" = "total	0	0	5	-	0.00	5" ]
    expect 0 embed --model model.tns --eval questions --missing
    [ "$(tail -n 3 out | tr '\n' ,)" = ",missing	lines,plum	1," ]
    echo "plum king plum queen" > twice # one line, whatever stands in it twice
    expect 0 embed --model model.tns --eval twice --missing
    [ "$(tail -n 1 out)" = "plum	1" ]
    expect 0 embed --model model.tns --eval questions --method cosmul
    [ "$(tail -n 1 out | cut -f 2-4)" = "3	4	5" ]
    # (1 + cos 10) (1 + cos 30) / 4 over (1 + cos 40) / 2 + 0.001
    expect 0 embed --model model.tns --method cosmul --top 1 --analogy man woman king
    [ "$(cat out)" = "man	woman	king	queen	1.0474" ]
}

@test "--eval takes words that differ in case for one, and files as they come" {
    model
    sed -e 's/\[13\]/[15]/' -e 's/^\(0 5 10 .* 50 51\)$/\1 56 59/' -e 's/\[51\]/[59]/' -e 's/^"|"$/"|"\n"Queen"\n"MAN"/' \
        -e 's/u64 \[12\]/u64 [14]/' -e 's/^0 0 0 0 90.*/& 10 5/' -e 's/\[12,2\]/[14,2]/' \
        -e 's/^-1 0$/-1 0\n0.7660445 0.6427876\n1 0/' model.txt > cased.txt
    tns import cased.txt -o cased.tns
    # `Queen` lies where `queen` does and would be the better answer; `MAN` must not answer what `man` asks
    printf ': a\nman woman king Queen\nwoman man queen king\nMan Woman King queen\n' > questions
    expect 0 embed --model cased.tns --eval questions
    [ "$(tail -n 1 out | cut -f 2-4)" = "3	3	3" ]
    printf '\xef\xbb\xbf# of some use\r\n\r\nman woman king queen\r\nman woman apple queen\r\n' > plain
    expect 0 embed --model model.tns --eval plain
    [ "$(head -n 2 out | tail -n 1 | cut -f 1-4)" = "questions	1	2	2" ]
    # Chinese, as ca8 and wordsim-240 come: CR LF, blanks and tabs
    printf '国王 男人 王后 女人 苹果\n%.0s' 1 2 3 4 5 6 7 8 | tokenize --level space | w2v-train -q --dim 8 > zh.tns
    printf ': people\r\n男人 国王 女人 王后\r\n男人 国王 女人 公主\r\n' > ca8
    expect 0 embed --model zh.tns --eval ca8 --missing
    grep -q '^people	[01]	1	2' out
    grep -q '^公主	1$' out
    printf '国王\t王后\t9.2\r\n国王\t苹果\t1\r\n公主\t苹果\t2\r\n' > wordsim
    expect 0 embed --model zh.tns --eval wordsim
    grep -Eq '^-?1.0000	2	3	66.67	1$' out
}

@test "questions of a file are answered in their order, what cannot be is told and passed over" {
    model
    printf 'queen\nman woman\nqeen\n\nman woman king\nking - man + woman\nman woman king queen\napple\r\n' > asked
    expect 0 embed --model model.tns --ask asked --top 1
    cat > wanted << 'END'
queen	king	0.9848
man	woman	0.9848
man	woman	king	queen	0.9996
king - man + woman	queen	0.9996
apple	Pears	0.9848
END
    diff out wanted
    grep -q "^embed: asked:3: 'qeen' is not a word of the model (did you mean 'queen'?)$" err
    grep -q '^embed: asked:7: the line is no question' err
    grep -q '^embed: 2 of 8 lines were not answered' err
    embed -q --model model.tns --ask - --top 1 < asked | cmp - wanted
    # a NUL is passed over as other lines are
    printf 'man woman\nqu\0een\nman woman\n' > nul
    expect 0 embed --model model.tns --ask nul
    [ "$(grep -c '^man.woman.0.9848$' out)" = 2 ]
    grep -q '^embed: nul:2: there is a NUL byte in the line' err
    grep -q '1 of 3 lines were not answered' err
    expect 0 embed --model model.tns -i < nul
    [ "$(tr '\n' , < out)" = "man	woman	0.9848,,,man	woman	0.9848,," ]
    grep -q '^embed: there is a NUL byte in the line' err
    # many at once as each alone, whatever the threads
    for _ in $(seq 400); do cat asked; done > many
    embed -q --model model.tns --ask many --threads 1 > out
    [ "$(wc -l < out)" = $((400 * (6 + 1 + 4 + 4 + 6))) ] || fail "$(wc -l < out)"
    for threads in 2 4; do embed -q --model model.tns --ask many --threads $threads | cmp - out; done
    [ "$(sort out | uniq -c | awk '$1 % 400' | wc -l)" = 0 ]
    expect 0 embed --model model.tns --ask /dev/null
    [ ! -s out ]
    printf '\357\273\277queen\r\n' | expect 0 embed --model model.tns --ask - --top 1 # a byte order mark
    [ "$(cat out)" = "queen	king	0.9848" ]
    # answers that nobody takes end it, however many questions follow
    for way in --interactive --ask=-; do
        local status=0
        timeout 20 embed --model model.tns $way < <(yes queen) > /dev/full 2> err || status=$?
        [ "$status" = 1 ]
        grep -q 'No space left on device' err
    done
}

@test "--interactive answers each line before it reads the next" {
    model
    coproc embed --model model.tns --interactive --top 2 2> err
    local to from pid=$COPROC_PID first=${COPROC[1]}
    exec {from}<&"${COPROC[0]}" {to}>&"$first" # which a subshell keeps
    exec {first}>&-
    ask() { # prints the answer up to the empty line
        local answer
        printf '%s\n' "$1" >&"$to"
        while read -r -t 20 answer <&"$from" && [ -n "$answer" ]; do printf '%s\n' "$answer"; done
    }
    [ "$(ask queen | cut -f 1,2 | tr '\n' ,)" = "queen	king,queen	woman," ]
    [ "$(ask 'man woman')" = "man	woman	0.9848" ]
    [ "$(ask zebrafish)" = "" ]
    [ "$(ask 'man woman king | apple')" = "" ]
    [ "$(ask '')" = "" ]
    [ "$(ask 'man woman king' | head -n 1)" = "man	woman	king	queen	0.9996" ]
    exec {to}>&-
    wait "$pid"
    [ "$(wc -l < err)" = 2 ]
    grep -q "^embed: 'zebrafish' is not a word of the model$" err
    # on a terminal there is a prompt, elsewhere none
    printf 'queen\n' | script -qec 'embed --model model.tns -i --top 1' /dev/null > out
    grep -q '^> queen' out
    printf 'queen\n' | embed --model model.tns -i --top 1 > out
    [ "$(tr '\n' , < out)" = "queen	king	0.9848,," ]
}

@test "--eval correlates judged pairs of any of the usual forms" {
    model
    printf 'man\twoman\t9\nman\tking\t8\nman\tqueen\t7\nman\tapple\t1\nman\tplum\t5\n' > pairs
    expect 0 embed --model model.tns --eval pairs
    [ "$(tail -n 1 out)" = "1.0000	4	5	80.00	1" ]
    tr '\t' ',' < pairs | sed '1iWord 1,Word 2,Human (mean)' > commas
    tr '\t' ' ' < pairs > blanks
    awk -F'\t' 'BEGIN { print "word1\tword2\tPOS\tSimLex999\tconc" } { print $1 "\t" $2 "\tN\t" $3 "\t" NR % 2 }' pairs > simlex
    for form in commas blanks simlex; do
        embed --model model.tns --eval $form | cmp - out
    done
    printf 'man\twoman\t1\nman\tking\t2\nman\tapple\t3\n' > reversed
    embed --model model.tns --eval reversed | grep -q '^-1.0000	3	3'
    printf 'man\twoman\t9\n' > one
    embed --model model.tns --eval one | grep -q '^-	1	1'
}

@test "bad files to evaluate by are named with their line" {
    model
    for score in nan inf -inf 1e999; do # no name of a column
        printf 'man,woman,%s\nman,king,8\n' "$score" > bad
        expect 65 embed --model model.tns --eval bad
        grep -q "bad:1: the score '$score' is not a finite number" err
    done
    printf 'man,woman,info\nman,woman,8\n' > named
    expect 0 embed --model model.tns --eval named
    [ "$(tail -n 1 out | cut -f 3)" = 1 ]
    printf ': a\nman woman king\n' > bad
    expect 65 embed --model model.tns --eval bad
    grep -q 'bad:2: .*question' err
    printf 'man\twoman\t3\nman\tking\tmuch\n' > bad
    expect 65 embed --model model.tns --eval bad
    grep -q 'bad:2: .*score' err
    expect 65 embed --model model.tns --eval /dev/null
    grep -q 'neither questions nor pairs' err
    expect 1 embed --model model.tns --eval missing
}

@test "a model that is none, or holds NaN, or does not fit its vocabulary, is refused by name" {
    model
    printf 'man\n' | tokenize --level space > words.tns
    sed 's/^0 5$/0 nan/' model.txt | tns import -o bad.tns -
    expect 65 embed --model bad.tns words.tns
    grep -q "NaN in row 8, column 1" err
    sed 's/^-1 0$/-inf 0/' model.txt | tns import -o bad.tns -
    expect 65 embed --model bad.tns words.tns
    sed 's/w\.in/w.other/' model.txt | tns import -o bad.tns -
    expect 65 embed --model bad.tns words.tns
    grep -q "w.in" err
    sed -e 's/\[12,2\]/[11,2]/' -e '/^-1 0$/d' model.txt | tns import -o bad.tns -
    expect 65 embed --model bad.tns words.tns
    grep -q 'w.in has .* 11 rows, not a vector for each of 12 words' err
    sed 's/model\/w2v/tensors/' model.txt | tns import -o bad.tns -
    expect 65 embed --model bad.tns words.tns
    grep -q 'is tensors, not model/w2v' err
    expect 65 embed --model words.tns words.tns
    head -c 1000 model.tns > bad.tns
    expect 65 embed --model bad.tns words.tns
    expect 65 embed --model model.tns model.tns
    grep -q 'wants tokens, vectors or pairs, got model/w2v' err
}

@test "misuse is named" {
    model
    expect 2 embed --neighbors king
    grep -q 'model FILE is needed' err
    expect 2 embed --model model.tns --analogy man woman
    grep -q 'wants three words A B C, got 2' err
    expect 2 embed --model model.tns --neighbors king --eval x
    expect 2 embed --model model.tns --interactive --ask x
    expect 2 embed --model model.tns --missing --ask x
    expect 1 embed --model model.tns --ask missing
    expect 2 embed --model model.tns --method cosdiv --ask x
    expect 2 embed --model model.tns --neighbors king queen
    expect 2 embed --model model.tns --top 0 --neighbors king
    expect 2 embed --model model.tns a.tns b.tns
    expect 1 embed --model missing.tns --neighbors king
    expect 1 embed --model model.tns --neighbors king -o /dev/full
    for option in --top=3 --most-frequent=3 --method=cosmul; do
        expect 2 embed --model model.tns $option x.tns
        grep -q -- "${option%=*} has no use where words of a stream get vectors (leave it out)" err
    done
    expect 2 embed --model model.tns --top 3 --eval x
}
