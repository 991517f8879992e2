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
section	right	answered	asked	percent
family	2	3	4	66.67
gram1-plural	1	1	1	100.00
semantic	2	3	4	66.67
syntactic	1	1	1	100.00
total	3	4	5	75.00
END
    diff out wanted
    expect 0 embed --model model.tns --eval questions --most-frequent 3 # without queen
    [ "$(tail -n 1 out)" = "total	0	0	5	-" ]
}

@test "--eval correlates judged pairs of any of the usual forms" {
    model
    printf 'man\twoman\t9\nman\tking\t8\nman\tqueen\t7\nman\tapple\t1\nman\tplum\t5\n' > pairs
    expect 0 embed --model model.tns --eval pairs
    [ "$(tail -n 1 out)" = "1.0000	4	5" ]
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
    expect 2 embed --model model.tns --neighbors king queen
    expect 2 embed --model model.tns --top 0 --neighbors king
    expect 2 embed --model model.tns a.tns b.tns
    expect 1 embed --model missing.tns --neighbors king
    expect 1 embed --model model.tns --neighbors king -o /dev/full
}
