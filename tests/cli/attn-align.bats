# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# Three pairs with vectors in the plane: (two words, three words), (none, one), (two words of which the first is unknown, one).
pairs() {
    cat > pairs.txt << 'END'
segment profile=pairs
tensor src.vocab.text.offsets u64 [4]
0 1 2 3
tensor src.vocab.text utf8 [3]
"abu"
tensor src.vocab.count u64 [3]
2 1 1
tensor tgt.vocab.text.offsets u64 [4]
0 1 2 5
tensor tgt.vocab.text utf8 [5]
"AB的"
tensor tgt.vocab.count u64 [3]
2 1 2
batch 3
column src.ids.offsets u64 [4]
0 2 2 4
column src.ids u32 [4]
0 1 2 0
column src.vec f32 [4,2] over=src.ids
1 0
0 2
0 0
3 0
column tgt.ids.offsets u64 [4]
0 3 4 5
column tgt.ids u32 [5]
0 1 2 0 0
column tgt.vec f32 [5,2] over=tgt.ids
2 0
0.6 0.8
0 5
1 1
4 0
column weather u8 [3]
1 2 3
end
END
    tns import pairs.txt -o pairs.tns
}

values() { # STREAM COLUMN: its numbers on one line
    tns export --format text "$1" | awk -v name="$2" '
        /^(column|tensor|batch|segment|end)/ { on = $1 == "column" && $2 == name; next }
        on { for (i = 1; i <= NF; i++) printf "%s%s", n++ ? " " : "", $i }
        END { print "" }'
}

@test "a pair gets the softmax of its similarities, and links" {
    pairs
    attn-align --temperature 1 --diagonal 0 pairs.tns > out.tns
    run values out.tns attn.shape
    assert_output "3 2 1 0 1 2"
    run values out.tns attn.offsets
    assert_output "0 6 6 8"
    # exp 1 : exp 0, exp 0.6 : exp 0.8, exp 0 : exp 1; an unknown source word is looked at by none
    run awk '{ printf "%.5f %.5f %.5f %.5f %.5f %.5f %g %g\n", $1, $2, $3, $4, $5, $6, $7, $8 }' <(values out.tns attn)
    assert_output "0.73106 0.26894 0.45017 0.54983 0.26894 0.73106 0 1"
    run values out.tns links
    assert_output "0 0 1 2 1 0"
    run values out.tns links.offsets
    assert_output "0 2 2 3"
    run tns ls out.tns
    assert_output --partial "profile=alignment"
    assert_output --partial "attn-align 0.1.0 --similarity=cosine --temperature=1 --diagonal=0 --links=agree"
    # what it does not know goes through
    run values out.tns weather
    assert_output "1 2 3"
    # the dot product, and the prior for the diagonal: 2 - 0, 0 - 0 and so on, less 6 times the distance
    attn-align --similarity dot --temperature 2 --diagonal 6 pairs.tns > dot.tns
    run awk '{ printf "%.5f %.5f %.5f\n", $1, $3, $5 }' <(values dot.tns attn)
    # rows: logits (1 - 0.5, 0 - 3.5), (0.3 - 1.5, 0.8 - 1.5), (0 - 3.5, 5 - 0.5)
    assert_output "0.98201 0.37754 0.00034"
}

@test "links by agreement, intersection, argmax and threshold" {
    pairs
    links() { attn-align --format pharaoh --temperature 1 --diagonal 0 "$@" pairs.tns; }
    run links --links argmax
    assert_output "0-0 1-1 1-2

1-0"
    run links --links intersect
    assert_line --index 0 "0-0 1-2"
    run links --links threshold --threshold 0.45
    assert_line --index 0 "0-0 0-1 1-1 1-2"
    run links --links threshold
    assert_line --index 0 "0-0 1-0 0-1 1-1 0-2 1-2"
    run links --links argmax --threshold 0.6
    assert_line --index 0 "0-0 1-2"
}

@test "weights as text, from pairs and from an alignment" {
    pairs
    attn-align --temperature 1 --diagonal 0 pairs.tns -o out.tns
    run attn-align --format marian out.tns
    assert_output "0.731059,0.268941 0.450166,0.549834 0.268941,0.731059

0,1"
    run attn-align --format nematus out.tns
    assert_line --index 0 "0 ||| A B 的 ||| -1.22466 ||| a b ||| 2 3"
    assert_line --index 4 "1 ||| A ||| 0 |||  ||| 0 1"
    assert_line --index 5 "2 ||| A ||| 0 ||| u a ||| 2 1"
    attn-align --format nematus --temperature 1 --diagonal 0 pairs.tns > direct
    attn-align --format nematus out.tns | cmp - direct
    attn-align --format pharaoh out.tns > again
    attn-align --format pharaoh --temperature 1 --diagonal 0 pairs.tns | cmp - again
    # a stream is not aligned twice
    expect 65 attn-align out.tns
    run cat err
    assert_output --partial "wants pairs, got alignment"
}

@test "given links: precision, recall, AER, the diagonal" {
    pairs
    attn-align --temperature 1 --diagonal 0 pairs.tns -q -o out.tns # 0-0 1-2 | | 1-0
    printf '0-0 1-1 1p2\n\n0-0\n' > gold
    # A = 3, S = 3, A and S = 1, A and P = 2; diagonal 0-0 1-1 1-2 | | 0-0: A = 4, A and S = 3, A and P = 4
    run attn-align --format score --gold gold out.tns
    assert_line --index 1 "found	0.6667	0.3333	0.5000	3	3"
    assert_line --index 2 "diagonal	1.0000	1.0000	0.0000	4	3"
    attn-align --format score --gold gold --temperature 1 --diagonal 0 pairs.tns > table
    printf '1-1 2-2 2?3\n\n1-1\n' > one
    attn-align --format score --gold one --gold-base 1 out.tns | cmp - table
    printf '1 1 1 S\n1 2 2\n1 2 3 P\n3 1 1 S 0.9\n3 0 1\n' > wpt
    attn-align --format score --gold wpt --gold-format wpt out.tns | cmp - table
    # beside a stream the score goes to standard error
    attn-align --gold gold --temperature 1 --diagonal 0 pairs.tns 2> err | cmp - out.tns
    run cat err
    assert_output "attn-align: precision 0.667, recall 0.333, AER 0.500 (the diagonal: 1.000, 1.000, 0.000)"
    # words that are not judged: 1-2 of the first pair, 1-0 of the third
    printf '11 110\n 1\n10 1\n' > marks
    run attn-align --format score --gold gold --gold-words marks out.tns
    assert_line --index 1 "found	1.0000	0.3333	0.5000	1	3"
}

@test "a file of links that does not fit is refused by line" {
    pairs
    attn-align pairs.tns -q -o out.tns
    refused() { # TEXT WORDS OPTION...
        printf '%b' "$1" > gold
        expect 65 attn-align --format score --gold gold "${@:3}" out.tns
        run cat err
        assert_output --partial "$2"
    }
    refused '0-0\n\n' 'gold: ends after line 2, but pair 3 follows'
    refused '0-0\n\n\n\n' 'gold:4: there are only 3 pairs'
    refused '0-0\n0-0\n\n' "gold:2: the link 0-0 lies beyond pair 2's 0 source and 1 target words"
    refused '0-0 x\n\n\n' "gold:1: column 5: 'x' is no link"
    refused '0-0\n\n\n' "gold:1: column 1: '0-0' has the word 0" --gold-base 1
    refused '1 1 1\n1 1\n' 'gold:2: column 1' --gold-format wpt
    expect 1 attn-align --format score --gold missing out.tns
    expect 2 attn-align --format score out.tns
    expect 2 attn-align --gold-base 1 out.tns
    expect 2 attn-align --gold gold --gold-format wpt --gold-base 0 out.tns
    # and the stream that came with it is not taken for whole
    printf '\n\n\n\n' > gold
    status=0
    attn-align --gold gold pairs.tns 2> err > bad.tns || status=$?
    assert_equal "$status" 65
    attn-align --gold gold pairs.tns -o never.tns 2> err || true
    assert [ ! -e never.tns ]
    attn-align --gold gold pairs.tns 2> err | cat > piped.tns
    expect 69 tns verify piped.tns
}

@test "streams that cannot be aligned" {
    pairs
    sed 's/profile=pairs/profile=tokens/' pairs.txt | tns import -o other.tns
    expect 65 attn-align other.tns
    run cat err
    assert_output --partial "other.tns: wants pairs, got tokens"
    expect 65 attn-align --format pharaoh other.tns
    tns drop -i pairs.tns tgt.vec -o bare.tns
    expect 65 attn-align bare.tns
    run cat err
    assert_output --partial "the input has no column 'tgt.vec' (give its words vectors: embed --model FILE)"
    sed 's/^0.6 0.8$/0.6 nan/' pairs.txt | tns import -o nan.tns
    expect 65 attn-align nan.tns
    run cat err
    assert_output --partial "'tgt.vec' holds NaN in row 1, column 1"
    sed -e 's/tgt.vec f32 \[5,2\]/tgt.vec f32 [5,1]/' -e '/^2 0$/,/^4 0$/s/ [0-9.]*$//' pairs.txt > thin.txt
    tns import thin.txt -o thin.tns
    expect 65 attn-align thin.tns
    run cat err
    assert_output --partial "'src.vec' has 2 numbers a word and 'tgt.vec' 1"
    sed 's/column weather u8/column attn u8/' pairs.txt | tns import -o there.tns
    expect 65 attn-align there.tns
    run cat err
    assert_output --partial "has a column 'attn' already"
    head -c 2000 pairs.tns > cut.tns
    expect 65 attn-align cut.tns
    expect 65 attn-align --format marian cut.tns
    attn-align bare.tns 2> err > failed.tns || true
    expect 69 attn-align failed.tns
    expect 1 attn-align missing.tns
    expect 2 attn-align --temperature 0 pairs.tns
    expect 2 attn-align --links best pairs.tns
    expect 2 attn-align --model x pairs.tns
    sed 's/^3 0$/1e30 0/; s/^4 0$/1e30 0/' pairs.txt | tns import -o large.tns
    expect 65 attn-align --similarity dot large.tns
    run cat err
    assert_output --partial "the score of source word 1 and target word 0 (from 0) is no finite number"
    expect 0 attn-align large.tns
}

@test "two segments, any number of threads: the same bytes" {
    # 300 pairs of up to 40 words, of which a few have no vector
    awk 'BEGIN {
        srand(5); n = 300
        print "segment profile=pairs\nbatch " n
        for (side = 0; side < 2; side++) {
            name = side ? "tgt" : "src"; at = 0; offsets = "0"
            for (k = 0; k < n; k++) { at += int(41 * rand()); offsets = offsets "\n" at }
            print "column " name ".ids.offsets u64 [" n + 1 "]\n" offsets
            print "column " name ".ids u32 [" at "]"
            for (k = 0; k < at; k++) print 1
            print "column " name ".vec f32 [" at ",5] over=" name ".ids"
            for (k = 0; k < at; k++)
                if (rand() < 0.05) print "0 0 0 0 0"
                else print rand() - 0.5, rand() - 0.5, rand() - 0.5, rand() - 0.5, rand() - 0.5
        }
        print "end"
    }' | tns import -o many.tns
    for threads in 1 2 4; do
        for links in agree intersect threshold; do
            attn-align --threads "$threads" --links "$links" many.tns > "$links.$threads"
            cmp "$links.$threads" "$links.1"
        done
    done
    pairs
    cat pairs.tns many.tns pairs.tns > three.tns
    attn-align three.tns > out.tns
    tns verify out.tns
    attn-align pairs.tns | cmp -n 200 - out.tns
    assert_equal "$(attn-align --format pharaoh out.tns | wc -l)" 306
    attn-align --format pharaoh three.tns > direct
    attn-align --format pharaoh out.tns | cmp - direct
}

@test "from text to links: a made-up language is aligned far better than by the diagonal" {
    # 1000 sentences and their translation word by word, every second pair of neighbours exchanged; a sentence keeps to ten
    # words that lie side by side on a ring of 120, so that words that are near in meaning are no translations
    awk 'BEGIN {
        srand(2)
        for (n = 0; n < 1000; n++) {
            m = 4 + int(6 * rand()); about = int(120 * rand()); source = target = links = ""
            for (k = 0; k < m; k++) word[k] = (about + int(10 * rand())) % 120
            for (k = 0; k < m; k++) source = source (k ? " " : "") "e" word[k]
            for (k = 0; k < m; k++) {
                from = k % 4 == 0 && k + 1 < m ? k + 1 : k % 4 == 1 ? k - 1 : k
                target = target (k ? " " : "") "s" word[from]
                links = links (k ? " " : "") from "-" k
            }
            print source "\t" target > "pairs.tsv"
            print links > "gold.txt"
        }
    }'
    tr '\t' ' ' < pairs.tsv | tokenize --level space |
        w2v-train -q --dim 20 --window 50 --no-dynamic-window --sample 0 --epochs 20 -o words.tns
    tokenize --level space --input pairs --vocab words.tns pairs.tsv | embed --model words.tns |
        attn-align --gold gold.txt --format score > table
    run awk '$1 == "found" { found = $4 } $1 == "diagonal" { print (found < 0.2 && $4 > 0.45 ? "good" : "bad"), found, $4 }' table
    assert_output --partial good
}
