#!/usr/bin/env bats
# Others' word vectors as a user meets them: there and back, used by every tool, beside gensim. What each parser reads and
# refuses in detail, the units test.

load helper

setup() { runnel_setup; }

# Eight words in the plane, as word2vec writes them.
plane() {
    cat <<'END'
9 2
</s> 0.5 0.25
man 1 0
woman 0.984807753 0.173648178
king 1.73205081 1
queen 0.766044443 0.64278761
apple 0 5
Pears -0.173648178 0.984807753
| -1 0
new york 3 -4
END
}

# The same in other formats.
binary() { plane | perl -ne 'chomp; if ($. == 1) { print "$_\n" } else { /^(.*) (\S+) (\S+)$/; (my $w = $1) =~ tr/ /_/; print "$w ", pack("f<2", $2, $3), "\n" }'; }
glove() { plane | tail -n +2; }
projector() { glove | sed -E 's/^.* (\S+) (\S+)$/\1\t\2/' > vectors.tsv && glove | sed -E 's/ \S+ \S+$//' > words.tsv; }

@test "word2vec, GloVe, fastText's .vec, Projector: there and back, the same model" {
    plane > plane.txt
    expect 0 tns import -f word2vec plane.txt -o plane.tns
    [ "$(cat err)" = "tns: plane.txt:10: the word 'new york' holds a blank (other programs may read that otherwise)" ]
    tns ls plane.tns > out
    grep -q '^head .*profile=model/w2v$' out
    grep -Eq '^tensor +w.in +f32 +\[12,2\]$' out
    [ "$(tns text plane.tns | grep -A6 '^tensor w.in' | tail -n +2 | tr '\n' ,)" = "0 0,0 0,0 0,0.5 0.25,1 0,0.9848077 0.17364818," ]
    glove > plane.glove
    projector
    tns import -q -f glove < plane.glove | tns cmp plane.tns -
    tns import -q -f vec plane.txt | tns cmp plane.tns -
    tns import -f projector --metadata words.tsv vectors.tsv 2> /dev/null | tns cmp plane.tns -
    expect 0 tns export -f word2vec plane.tns
    grep -q "'new york' holds a blank" err
    cp out again.txt
    [ "$(sed -n 4p again.txt)" = "woman 0.9848077 0.17364818" ]
    tns import -q -f word2vec again.txt | tns cmp plane.tns -
    expect 0 tns export -f glove plane.tns -o again.glove
    tail -n +2 again.txt | cmp - again.glove
    expect 0 tns export -f projector --metadata again.words plane.tns -o again.vectors
    cmp words.tsv again.words
    tns import -q -f projector --metadata again.words again.vectors | tns cmp plane.tns -

    # binary: its words cannot hold blanks
    binary > plane.bin
    tns import -f word2vec-bin plane.bin -o binary.tns
    tns text binary.tns | grep -qx '"new_york"'
    tns export -f npy --name w.in binary.tns -o one.npy
    tns export -f npy --name w.in plane.tns | cmp - one.npy
    tns export -f word2vec-bin binary.tns | cmp - plane.bin
    expect 0 tns export -f word2vec-bin plane.tns -o lost.bin
    grep -q "plane.tns: the word 'new york' cannot stand in this format (it is left out)" err
    [ "$(head -n 1 lost.bin)" = "8 2" ]
    expect 65 tns export -f word2vec-bin --strict plane.tns
    # slow pipes; without line ends behind vectors
    { head -c 23 plane.bin; sleep 0.2; tail -c +24 plane.bin; } | tns import -f word2vec-bin | tns cmp - binary.tns
    { head -c 23 plane.txt; sleep 0.2; tail -c +24 plane.txt; } | tns import -q -f word2vec | tns cmp - plane.tns
    perl -e 'print "2 1\n", map { "$_ " . pack("f<", 7) } qw(a b)' | tns import -f word2vec-bin | tns text | tail -n 3 | head -n 2 | tr '\n' , | grep -qx '7,7,'
}

@test "every tool works with them" {
    plane | tns import -q -f word2vec -o plane.tns
    tns verify plane.tns
    [ "$(embed --model plane.tns --neighbors queen --top 2 | cut -f 2 | tr '\n' ' ')" = "king woman " ]
    [ "$(embed --model plane.tns --analogy man woman king --top 1 | cut -f 4)" = queen ]
    # the file's order is that of frequency
    [ "$(embed --model plane.tns --neighbors apple --most-frequent 2 | cut -f 2 | tr '\n' ' ')" = "woman man " ]
    printf 'man plum </s>\nking\n' > text
    tokenize --level space --vocab plane.tns text -o ids.tns 2> /dev/null
    tns text --words ids.tns > out
    [ "$(head -n 1 out)" = "man <unk>" ]
    embed -q --model plane.tns ids.tns | tns text | grep -A4 '^column vec f32' | tail -n 4 | tr '\n' , | grep -qx '1 0,0 0,0.5 0.25,1.7320508 1,'
    tns-plot map plane.tns --words man,queen,apple -o map.svg
    [ -s map.svg ]
    expect 2 tns-plot map plane.tns --words man,plum
    grep -q "'plum' is not in the vocabulary" err
    for i in $(seq 20); do echo "man woman king queen"; done | tokenize --level space > corpus.tns
    expect 0 rnn-train -q --task lm --hidden 4 --epochs 1 --embedding plane.tns corpus.tns -o rnn.tns
    tns ls rnn.tns | grep -Eq '^tensor +embedding '
    # and from elsewhere
    tokenize --level space text | w2v-train -q --dim 3 --sample 0 --epochs 1 > trained.tns
    tns export -f word2vec trained.tns -o trained.txt
    [ "$(head -n 1 trained.txt)" = "4 3" ] # </s> was in the text
    tns import -f word2vec trained.txt | tns export -f word2vec | cmp - trained.txt
    tns export -f word2vec --name w.out trained.tns | head -n 1 | grep -qx '4 3'
    for word in king man plum; do grep -q "^$word " trained.txt; done
}

@test "what is wrong is named with its place, what is odd is noted or refused" {
    bad() { # message, file's text, options...
        local says=$1 text=$2
        shift 2
        # shellcheck disable=SC2059
        printf "$text" > bad.txt
        expect 65 tns import "$@" bad.txt -o bad.tns
        grep -qF -- "tns: $says" err || fail "$(cat err) is not $says"
        [ ! -e bad.tns ]
    }
    bad "bad.txt: there is no header" '' -f word2vec
    bad "bad.txt:1: 'the 1 2' is no header" 'the 1 2\n' -f word2vec
    bad "bad.txt:1: a word has 1 to 1048576 numbers, not 0" '2 0\n' -f word2vec
    for way in word2vec vec word2vec-bin; do
        bad "bad.txt:1: the header says that there are no words" '0 2\n' -f $way
    done
    bad "bad.txt: there is no vector in it" '' -f glove
    bad "bad.txt:1: 1000000000000000 words are more than" '1000000000000000 2\n' -f word2vec
    bad "bad.txt:1: 1000000000000000 words are more than" '1000000000000000 2\n' -f word2vec-bin
    bad "bad.txt:3: the file ends behind 2 of the 3 words" '3 1\na 1\nb 2\n' -f vec
    bad "bad.txt:3: there are more words than the 1" '1 1\na 1\nb 2\n' -f vec
    bad "bad.txt:3: the line has 1 number where the header says 2" '2 2\na 1 2\nb 1\n' -f word2vec
    bad "bad.txt:2: the line has 3 numbers where the header says 2" '1 2\na 1 2 3\n' -f word2vec
    bad "bad.txt:2:5: 'nan' is not a finite number" '1 2\na 1 nan\n' -f word2vec
    bad "bad.txt:1:3: '1e400' is not a finite number" 'a 1e400\n' -f glove
    bad "bad.txt:2: the line has 2 numbers where the first has 1 (is the first a header, words and numbers a word?" '1 2\na 1 2\n' -f glove
    bad "bad.txt:2: the word is empty" '1 2\n 1 2\n' -f word2vec
    bad "bad.txt:2: the word 'a' stands twice (without --strict" 'a 1\na 2\n' -f glove --strict
    bad "bad.txt: word 2, at byte 11: the file ends within it" '2 1\na \0\0\200\077\nb \0\0' -f word2vec-bin
    bad "bad.txt: word 1, at byte 4: number 2 of 'a' is NaN" '1 2\na \0\0\200\077\0\0\300\177' -f word2vec-bin
    perl -e 'print "2 3\na 1 2 3\nb ", "1" x (1 << 25), "\n"' > bad.txt
    expect 65 tns import -f word2vec bad.txt
    grep -q 'bad.txt:3: the line is longer than' err
    # a header that lies takes no memory
    printf '4000000000 1000000\na 1 2 3\n' > bad.txt
    (memory_limit 400000 && expect 65 tns import -f word2vec bad.txt)
    { printf '4000000000 1000000\na '; head -c 1000000 /dev/zero; } > bad.txt
    (memory_limit 400000 && expect 65 tns import -f word2vec-bin bad.txt)

    # a byte order mark is no part of a word or header
    printf '\357\273\277a 1\nb 2\n' > mark.txt
    expect 0 tns import -f glove mark.txt -o mark.tns
    [ "$(tns export -f glove mark.tns | head -n 1)" = "a 1" ]
    { printf '\357\273\2772 1\n'; tail -c +4 mark.txt; } | tns import -f word2vec | tns cmp mark.tns -

    # a file that was cut may end within a number, which is another one then
    for way in word2vec vec glove projector; do
        local options=(-f "$way") header='2 2\n' first='a 1 2\nb 3 4'
        [ $way != glove ] || header=
        [ $way != projector ] || { header='' first='1\t2\n3\t4' && printf 'a\nb\n' > ab && options+=(--metadata ab); }
        # shellcheck disable=SC2059
        printf "$header$first.75\n" > sound.txt && head -c -2 sound.txt > cut.txt
        expect 0 tns import "${options[@]}" --strict sound.txt
        [ ! -s err ]
        expect 0 tns import "${options[@]}" cut.txt
        [ "$(cat err)" = "tns: cut.txt:$(wc -l < sound.txt): the last line has no line end (was the file cut?)" ]
        expect 65 tns import "${options[@]}" --strict cut.txt
        grep -q "cut.txt:$(wc -l < sound.txt): the last line has no line end" err
    done
    printf 'a\nbc' > ab
    expect 0 tns import -f projector --metadata ab sound.txt
    grep -q 'ab:2: the last line has no line end' err

    # GloVe's first line tells how many numbers there are: its word cannot hold a blank, those of others can
    printf '4 1\nnew york 1\nlos\tangeles 2\nrome 3\nsan jose 4\n' | tns import -q -f word2vec -o towns.tns
    expect 0 tns export -f glove towns.tns -o towns.glove
    grep -q "towns.tns: the word 'new york' cannot stand in this format (it is left out)" err
    [ "$(grep -c 'left out' err)" = 2 ]
    [ "$(tr '\n' , < towns.glove)" = "rome 3,san jose 4," ]
    tns import -q -f glove towns.glove | tns export -q -f glove | cmp - towns.glove
    expect 65 tns export -f glove --strict towns.tns
    [ "$(tns export -q -f word2vec towns.tns | head -n 1)" = "4 1" ]
    # a file without words could not be read again
    printf '1 1\nnew york 1\n' | tns import -q -f word2vec -o town.tns
    for way in glove word2vec-bin; do
        expect 65 tns export -f $way town.tns
        grep -q 'town.tns: there is no word to write' err
        [ ! -s out ]
    done

    # broken UTF-8 and doubled words
    printf 'a\377 1\na\376 2\nb 3\nb 4\n' > odd.txt
    expect 0 tns import -f glove odd.txt -o odd.tns
    [ "$(grep -c 'was not UTF-8 (U+FFFD is put in)' err)" = 2 ]
    grep -q "odd.txt:2: the word 'a"$'\xef\xbf\xbd'"' stands twice (the first is kept)" err
    grep -q "odd.txt:4: the word 'b' stands twice" err
    [ "$(tns export -f glove odd.tns | tail -n 1)" = "b 3" ]
    seq 20 | sed 's/.*/a &/' | expect 0 tns import -f glove
    grep -q 'standard input: 19 words stood twice in all' err
    [ "$(wc -l < err)" = 6 ]

    # options that do not go together
    expect 2 tns import -f word2vec --metadata odd.txt odd.txt
    expect 2 tns import -f projector odd.txt
    grep -q -- '--metadata FILE' err
    expect 2 tns export -f projector odd.tns
    expect 2 tns import -f glove odd.txt odd.txt
    cp odd.tns same.tns
    expect 2 tns export -f projector --metadata same.tns same.tns
    cmp odd.tns same.tns
    expect 65 tns export -f word2vec --name x odd.tns
    grep -q "odd.tns: .*'x'" err
}

@test "gensim reads what is written and writes what is read, bit by bit" {
    /usr/bin/python3 -c 'import gensim' 2> /dev/null || skip "gensim is missing (python3-gensim)"
    seq 300 | awk '{ print "w" $1 % 40, "x" $1 % 7, "\303\251" $1 % 11, "\302\240" }' | tokenize --level space |
        w2v-train -q --dim 7 --epochs 2 > words.tns
    tns export -f word2vec words.tns -o ours.txt
    tns export -f word2vec-bin words.tns -o ours.bin
    tns export -f glove words.tns -o ours.glove
    tns export -f npy --name w.in words.tns -o ours.npy
    printf '2 1\na\377\344\270z\360\237\230 1\nb\340\200 2\n' > broken.txt
    cat > compare.py <<'END'
import numpy
from gensim.models import KeyedVectors
load = KeyedVectors.load_word2vec_format
text, binary, glove = load("ours.txt"), load("ours.bin", binary=True), load("ours.glove", no_header=True)
rows = numpy.load("ours.npy")[4:]
for other in text, binary, glove:
    assert other.index_to_key == text.index_to_key
    assert other.vectors.tobytes() == rows.tobytes()
text.save_word2vec_format("theirs.txt")
text.save_word2vec_format("theirs.bin", binary=True)
text.save_word2vec_format("theirs.glove", write_header=False)
print("\n".join(load("broken.txt", unicode_errors="replace").index_to_key))
END
    /usr/bin/python3 compare.py > broken.words 2> log || fail "$(tail -n 3 log)"
    tns import -f word2vec ours.txt -o ours.tns
    tns import -f word2vec theirs.txt | tns cmp - ours.tns
    tns import -f word2vec-bin theirs.bin | tns cmp - ours.tns
    tns import -f glove theirs.glove | tns cmp - ours.tns
    tns import -q -f word2vec broken.txt | tns export -f glove | cut -d ' ' -f 1 | diff - broken.words
}
