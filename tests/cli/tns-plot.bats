# shellcheck shell=bash
load helper
setup() { runnel_setup; }

# An alignment of three pairs: four words with six in Han with five links; two with none; a long word and one that is not there.
alignment() {
    tns import -o pairs.tns << 'END'
segment profile=alignment
batch 3
column src.tok.offsets u64 [4]
0 6 6 8
column src.tok.text.offsets u64 [9] over=src.tok
0 3 6 9 12 15 18 21 22
column src.tok.text utf8 [22]
"我爱学习劳动" "青x"
column tgt.tok.offsets u64 [4]
0 4 6 8
column tgt.tok.text.offsets u64 [9] over=tgt.tok
0 1 5 10 14 15 16 66 69
column tgt.tok.text utf8 [69]
"Ilovestudyworkab" "Donaudampfschifffahrtsgesellschaftskapitaenswitwen" "你"
column attn.offsets u64 [4]
0 24 24 28
column attn.shape u32 [3,2]
4 6 2 0 2 2
column attn f32 [28]
1 0 0 0 0 0
.1 .8 .02 .02 .02 .04
0 0 .5 .4 .05 .05
0 0 .05 .05 .4 .5
.25 .75 1 0
column links.offsets u64 [4]
0 5 5 6
column links u32 [6,2]
0 0 1 1 2 2 3 2 5 3
1 0
end
END
}

# A model of eight words in three dimensions.
model() {
    tns import -o words.tns << 'END'
segment profile=model/w2v
tensor vocab.text.offsets u64 [13]
0 5 10 13 17 20 25 29 34 35 38 41 42
tensor vocab.text utf8 [42]
"<pad><unk><s></s>manwomankingqueen|" "爱" "学" "!"
tensor vocab.count u64 [12]
0 0 0 0 90 80 70 60 50 40 30 20
tensor w.in f32 [12,3]
0 0 0
0 0 0
0 0 0
0 0 0
1 0 0
0 1 0
2 0 1
0 2 1
-1 -1 0
3 1 2
1 3 2
-2 -2 0
end
END
}

png_size() { # FILE: width and height, and that it is a PNG with an end
    assert_equal "$(head -c 8 "$1" | od -An -tx1)" " 89 50 4e 47 0d 0a 1a 0a"
    assert_equal "$(tail -c 8 "$1" | od -An -tx1)" " 49 45 4e 44 ae 42 60 82"
    od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4, $7 * 256 + $8 }'
}

count() { grep -c -- "$1" "$2" || true; }

@test "a heatmap has a cell for each pair of words and a ring for each link" {
    alignment
    tns-plot heatmap pairs.tns -o one.svg
    assert_equal "$(tail -n 1 one.svg)" "</svg>"
    # five links and the one that explains them
    assert_equal "$(count 'stroke:rgb(90%,35%,5%)' one.svg)" 6
    # cells: the one of 1, the two of 0.5, the four of 0.05
    assert_equal "$(count 'fill:rgb(3%,16%,34%)' one.svg)" 1
    assert_equal "$(count 'fill:rgb(42%,67%,82.5%)' one.svg)" 2
    assert_equal "$(count 'fill:rgb(96%,97.75%,99%)' one.svg)" 4
    tns-plot heatmap --item 1 pairs.tns -o two.svg
    assert_equal "$(count 'stroke:rgb(90%,35%,5%)' two.svg)" 0
    tns-plot heatmap --item 2 pairs.tns --title '爱 "love" <&>' -o three.svg
    assert_equal "$(count 'stroke:rgb(90%,35%,5%)' three.svg)" 2
    expect 0 tns-plot heatmap --title $'caf\xe9\a' pairs.tns
    assert [ ! -s err ]
    # words are there: fewer letters without them
    tns drop -i pairs.tns 'src.tok.*' 'tgt.tok.*' -o bare.tns
    tns-plot heatmap bare.tns -o bare.svg
    assert [ "$(count '<use ' bare.svg)" -lt "$(count '<use ' one.svg)" ]
}

@test "the format goes by the suffix or by --format; the same bytes every time" {
    alignment
    tns-plot heatmap pairs.tns -o one.png
    run png_size one.png
    assert_success
    tns-plot heatmap < pairs.tns > two.png
    cmp one.png two.png
    tns-plot heatmap --format png pairs.tns -o odd.svg
    cmp one.png odd.svg
    tns-plot heatmap pairs.tns -o one.SVG
    tns-plot heatmap --format svg - < pairs.tns > two.svg
    cmp one.SVG two.svg
    run grep -ciE '20[0-9][0-9]-|date' two.svg
    assert_output 0
    tns-plot heatmap --width 900 --height 401 pairs.tns -o sized.png
    run png_size sized.png
    assert_output "900 401"
    expect 2 tns-plot heatmap pairs.tns -o picture.jpg
    run cat err
    assert_output "tns-plot: picture.jpg: '.jpg' is no format of a picture (name it .png or .svg, or say --format)"
    expect 2 tns-plot heatmap --width 120 pairs.tns
    run script -qec 'tns-plot heatmap pairs.tns' /dev/null
    assert_failure 2
    assert_output --partial "standard output is a terminal, which cannot show a PNG"
}

@test "any matrix as a heatmap: both signs, and more rows than cells" {
    model
    tns-plot heatmap --tensor w.in words.tns -o matrix.svg
    # 3 is the darkest blue; -1 and -2 are red
    assert_equal "$(count 'fill:rgb(3%,16%,34%)' matrix.svg)" 2
    assert_equal "$(count 'fill:rgb(98.333333%,73.333333%,64%)' matrix.svg)" 2
    assert_equal "$(count 'fill:rgb(83.333333%,28.333333%,22.333333%)' matrix.svg)" 2
    # a vector is a row
    tns-plot heatmap --tensor vocab.count words.tns -o row.svg
    assert_equal "$(count 'fill:rgb(3%,16%,34%)' row.svg)" 1
    awk 'BEGIN { print "segment profile=tensors\ntensor big f32 [2000,3]"; for (k = 0; k < 6000; k++) print k % 7; print "end" }' |
        tns import -o big.tns
    tns-plot heatmap --tensor big big.tns -o big.png
    run png_size big.png
    assert_success
    expect 65 tns-plot heatmap --tensor nothing words.tns
    run cat err
    assert_output "tns-plot: words.tns: there is no tensor 'nothing' (there is vocab.text.offsets, vocab.text, vocab.count, w.in)"
    expect 65 tns-plot heatmap --tensor vocab.text words.tns
    expect 2 tns-plot heatmap --tensor w.in --item 1 words.tns
}

@test "pairs that cannot be drawn" {
    alignment
    model
    expect 2 tns-plot heatmap --item 3 pairs.tns
    run cat err
    assert_output "tns-plot: pairs.tns: there is no item 3 (it has 3, from 0)"
    cat pairs.tns pairs.tns > twice.tns
    tns-plot heatmap --item 3 twice.tns -o four.png
    tns-plot heatmap --item 0 pairs.tns | cmp - four.png
    expect 65 tns-plot heatmap words.tns
    run cat err
    assert_output --partial "words.tns: wants alignment, got model/w2v"
    size=$(stat -c %s pairs.tns)
    head -c $((size - 64)) pairs.tns > cut.tns
    expect 65 tns-plot heatmap cut.tns -o never.png
    assert [ ! -e never.png ]
    tns export --format text pairs.tns | sed 's/^1 0 0 0 0 0/1 0 nan 0 0 0/' | tns import -o nan.tns
    expect 65 tns-plot heatmap nan.tns
    run cat err
    assert_output --partial "'attn' holds NaN or infinity in row 0, column 2"
    expect 1 tns-plot heatmap missing.tns
    expect 1 tns-plot heatmap pairs.tns -o missing/x.png
    expect 1 tns-plot heatmap pairs.tns -o /dev/full
}

@test "a map has a point for each word" {
    model
    tns-plot map words.tns -o all.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' all.svg)" 8
    tns-plot map --words king,queen,爱,king words.tns -o three.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' three.svg)" 3
    printf 'man\n\n|\n!\n' > chosen
    tns-plot map --words King --words-file chosen words.tns -o four.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' four.svg)" 4
    tns-plot map --top 3 words.tns -o top.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' top.svg)" 3
    tns-plot map --top 3 < words.tns > top.png
    run png_size top.png
    assert_output "1000 800"
    tns-plot map --format svg --top 3 words.tns | cmp - top.svg
    expect 2 tns-plot map --words king,quen words.tns
    run cat err
    assert_output "tns-plot: --words: the word 'quen' is not in the vocabulary (did you mean 'queen'?)"
    printf 'man\nwhale\n' > chosen
    expect 65 tns-plot map --words-file chosen words.tns
    run cat err
    assert_output "tns-plot: chosen:2: the word 'whale' is not in the vocabulary"
    expect 2 tns-plot map --words king words.tns
    expect 2 tns-plot map --item 2 words.tns
    alignment
    expect 65 tns-plot map pairs.tns
}

@test "curves: one for each field and log, gaps where there is null" {
    printf '{"step":%d,"loss":%s,"name":"x"}\n' 1 4 2 3 3 null 4 2.5 5 2 > a.log
    printf '{"step":3,"valid_loss":3.5}\n{"epoch":1}\n{"step":5,"valid_loss":3.25}\n' >> a.log
    printf '{"step":%d,"loss":%s}\n' 1 5 2 0 3 1e-3 > b.log
    tns-plot curve a.log -o one.svg
    # the path of the line is begun anew behind the gap
    line=$(grep 'stroke:rgb(0%,45%,70%)' one.svg | head -n 1)
    assert_equal "$(grep -o ' M \| d="M ' <<< "$line" | wc -l)" 2
    assert_equal "$(grep -o ' L ' <<< "$line" | wc -l)" 2
    tns-plot curve --y loss,valid_loss a.log -o two.svg
    assert_equal "$(count 'stroke:rgb(84%,37%,0%)' two.svg)" 2 # the line and its sample
    # what is null in most rows is measured now and then
    printf '{"step":%d,"loss":%s}\n' 1 null 2 4 3 null 4 3 5 null > seldom.log
    tns-plot curve seldom.log -o seldom.svg
    line=$(grep 'stroke:rgb(0%,45%,70%)' seldom.svg | head -n 1)
    assert_equal "$(grep -o ' L ' <<< "$line" | wc -l)" 1
    expect 0 tns-plot curve --scale log a.log b.log -o both.svg
    run cat err
    assert_output "tns-plot: 1 values are not above 0 and not shown (--scale log)"
    tns-plot curve --format svg < a.log | cmp - one.svg
    tns-plot curve a.log > one.png
    run png_size one.png
    assert_output "960 560"
}

@test "logs that cannot be drawn are refused by line and field" {
    refused() { # TEXT WORDS OPTION...
        printf '%b' "$1" > bad.log
        expect 65 tns-plot curve "${@:3}" bad.log
        run cat err
        assert_output --partial "tns-plot: $2"
    }
    refused '{"step":1,"loss":2}\n{"step":2,"loss"\n' "bad.log:2: no JSON: "
    refused '{"step":1,"loss":"low"}\n' "bad.log:1: the field 'loss' is no number"
    refused '[1,2]\n' "bad.log:1: no JSON object"
    refused '{"step":1,"step":1}\n' "bad.log:1: no JSON: "
    refused '{"step":1,"loss":1e999}\n' "bad.log:1: no JSON: "
    refused '{"step":1,"cost":2,"lr":0.1}\n' "bad.log: no row has a field 'loss' (they have step, cost, lr)"
    refused '{"step":1,"cost":2}\n' "bad.log: no row has a field 'time' (they have step, cost)" --x time --y cost
    refused '' "bad.log: is empty"
    refused '{"step":1,"loss":null}\n' "there is nothing to draw: every value is null"
    refused '{"step":1,"loss":-1}\n' "there is nothing to draw: every value is null or not above 0" --scale log
    refused '{"step":1,"loss":1e308}\n{"step":2,"loss":-1e308}\n' "the numbers lie too far apart"
    expect 2 tns-plot curve --words a bad.log
    expect 2 tns-plot curv bad.log
    run cat err
    assert_output "tns-plot: 'curv' is no verb (did you mean 'curve'?)"
    expect 2 tns-plot
    expect 2 tns-plot gradflow x
    expect 1 tns-plot curve missing.log
}
