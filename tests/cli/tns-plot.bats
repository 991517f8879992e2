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
    printf '2 2\na 0 0\nb 0 0\n' | tns import -f word2vec -o zeros.tns
    expect 65 tns-plot map zeros.tns
    run cat err
    assert_output "tns-plot: zeros.tns: none of its words has a vector other than zeros, and a map wants two"
    printf '2 2\na 0 0\nb 0 1\n' | tns import -f word2vec | { expect 65 tns-plot map; }
    run cat err
    assert_output "tns-plot: standard input: only one of its words has a vector other than zeros, and a map wants two"
    alignment
    expect 65 tns-plot map pairs.tns
}

@test "a map by t-SNE: the same for any threads, larger for many words, all of them named" {
    model
    tns-plot map --projection tsne words.tns -o few.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' few.svg)" 8
    cmp -s few.svg <(tns-plot map --format svg words.tns) && fail "both projections are the same"
    seq 30000 | awk '{ print "w" $1 % 300, "w" ($1 * 7) % 300, "w" ($1 + 1) % 300 }' | tokenize --level space |
        w2v-train -q --dim 16 --epochs 1 > many.tns
    expect 0 tns-plot map --projection tsne --perplexity 12 --iterations 300 --top 300 --threads 1 many.tns -o one.svg
    assert_equal "$(count 'fill:rgb(0%,45%,70%)' one.svg)" 300
    [ ! -s err ] # no name was left out
    for threads in 2 4; do
        tns-plot map --projection tsne --perplexity 12 --iterations 300 --top 300 --threads $threads many.tns -o two.svg
        cmp one.svg two.svg
    done
    tns-plot map --projection tsne --iterations 10 --top 300 many.tns -o many.png
    run png_size many.png
    assert_output "1581 1265"
    expect 2 tns-plot map --perplexity 12 words.tns
    grep -q "t-SNE's (add --projection tsne)" err
    expect 2 tns-plot map --projection tsne --perplexity 0.5 words.tns
    expect 2 tns-plot map --projection som words.tns
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
    expect 1 tns-plot curve missing.log
}

# Gradient flow of records at epochs 0 .. EPOCHS-1 over LAGS lags in a layer of four units: h halves with every step; with `c`
# also c, which stays; with `bound` one of 1.5.   flow FILE EPOCHS LAGS [c] [bound]
flow() {
    awk -v epochs="$2" -v lags="$3" -v c="${4#bound}" -v bound="${4#c}" '
        function column(name, type, rows, meta) { print "column", name, type, "[" rows "]", meta }
        BEGIN {
            print "segment profile=tensors\nbatch " epochs
            column("epoch", "u64", epochs)
            for (k = 0; k < epochs; k++) print k
            column("layer", "u32", epochs)
            for (k = 0; k < epochs; k++) print 0
            column("saturation", "f64", epochs ",2", "gates=r,u")
            for (k = 0; k < epochs; k++) print k / epochs, 0.5
            column("flow.h.offsets", "u64", epochs + 1)
            for (k = 0; k <= epochs; k++) print k * lags
            column("flow.h", "f64", epochs * lags, "rows=8")
            for (k = 0; k < epochs; k++) for (l = 0; l < lags; l++) print 2 * 0.5 ^ l
            if (c) column("flow.c", "f64", epochs * lags, "over=flow.h")
            for (k = 0; c && k < epochs; k++) for (l = 0; l < lags; l++) print 2
            if (bound) column("bound", "f64", epochs * lags, "over=flow.h")
            for (k = 0; bound && k < epochs; k++) for (l = 0; l < lags; l++) print 1.5 ^ l
            print "end" }' | tns import --format text -o "$1"
}

# The lines of an SVG that are stroked in a colour, samples of the legend included.
blue='stroke:rgb(0%,45%,70%)' orange='stroke:rgb(84%,37%,0%)'

@test "gradient flow: a line for each record and quantity, few of many, and a floor" {
    flow lstm.tns 20 30 c
    tns-plot gradflow lstm.tns -o flow.svg
    # eight records of two lines, a sample each; the first is blue, the second orange
    assert_equal "$(count "$blue" flow.svg)" 3
    assert_equal "$(count "$orange" flow.svg)" 3
    assert_equal "$(grep -c 'stroke-dasharray:6,3.5' flow.svg)" 9
    # lag 29 is 2^-28, above the floor; nothing lies on it
    tns-plot gradflow --epoch 3,last,3 --quantity h lstm.tns -o two.svg
    assert_equal "$(count "$blue" two.svg)" 2
    assert_equal "$(count "$orange" two.svg)" 2
    assert_equal "$(count stroke-dasharray two.svg)" 0
    # epochs in whatever order they are named
    tns-plot gradflow --epoch 19,3 --quantity h lstm.tns -o turned.svg
    cmp two.svg turned.svg
    floor='stroke:rgb(42%,45%,50%)' # that of the axes as well
    assert_equal "$(count "$floor" two.svg)" 2
    tns-plot gradflow --epoch 3,last --quantity h --floor 1e-3 lstm.tns -o floor.svg
    assert_equal "$(count "$floor" floor.svg)" 3
    # zeros lie on it too
    tns export --format text lstm.tns | sed '/^column flow.c/,/^end/b; s/^2 1 /2 0 /' | tns import --format text -o zero.tns
    tns-plot gradflow --epoch 0 --quantity h zero.tns -o zero.svg
    assert_equal "$(count "$floor" zero.svg)" 3
    tns-plot gradflow < lstm.tns > flow.png
    run png_size flow.png
    assert_output "960 560"
    tns-plot gradflow --saturation lstm.tns -o gates.svg
    assert_equal "$(count "$blue" gates.svg)" 2
    assert_equal "$(count "$orange" gates.svg)" 2
}

@test "gradient flow of several files: a colour each, the first record paler, the bound cut off" {
    flow elman.tns 3 10 bound
    flow gru.tns 2 12
    tns-plot gradflow --labels 'tanh,gated' elman.tns gru.tns -o both.svg
    # the last record's line and bound, and the sample
    assert_equal "$(count "$blue" both.svg)" 3
    assert_equal "$(count "$orange" both.svg)" 2
    # the first record, in the same colours and paler
    assert_equal "$(count 'stroke:rgb(60%,78%,88%)' both.svg)" 3
    assert_equal "$(count 'stroke:rgb(93.6%,74.8%,60%)' both.svg)" 2
    # a bound that rises widens no axis: the line of h is drawn where it is without one
    tns-plot gradflow --quantity h --epoch 0 elman.tns -o h.svg
    tns-plot gradflow --quantity h,bound --epoch 0 elman.tns -o bound.svg
    h() { grep -m 1 "$blue" "$1" | grep -o ' d="M[^L]*' | awk '{ print $3 }'; }
    assert_equal "$(h h.svg)" "$(h bound.svg)"
    assert_equal "$(count stroke-dasharray:1.5,3 bound.svg)" 2
    expect 2 tns-plot gradflow --labels one elman.tns gru.tns
    run cat err
    assert_output "tns-plot: --labels has 1 names for 2 files"
}

@test "gradient flow that cannot be drawn" {
    flow gru.tns 3 4
    refused() { # STATUS WORDS OPTION...
        expect "$1" tns-plot gradflow "${@:3}"
        run cat err
        assert_output --partial "$2"
    }
    refused 2 "gru.tns: there is no record of epoch 7 (it has 0, 1, 2)" --epoch 0,7 gru.tns
    refused 2 "--epoch: 'first' is no epoch (a number from 0, or last)" --epoch first gru.tns
    refused 2 "gru.tns: there are no records of layer 1 (layers count from 0)" --layer 1 gru.tns
    refused 2 "--quantity: 'x' is none (of h, c, bound)" --quantity x gru.tns
    refused 2 "no record has what --quantity wants" --quantity c gru.tns
    edited() { # SED WORDS
        tns export --format text gru.tns | sed "$1" | tns import --format text -o bad.tns
        refused 65 "tns-plot: bad.tns: $2" bad.tns
    }
    edited 's/^2 1 0.5/2 nan 0.5/' "record 0: 'flow.h' is nan at 1 (from 0)"
    edited 's/^2 1 0.5/2 -1 0.5/' "record 0: 'flow.h' is -1 at 1 (from 0)"
    edited 's/^0 1 2$/0 2 1/' "record 2: is of epoch 1, behind one of epoch 2"
    edited 's/gates=r,u/gates=r/' "'saturation' has 2 columns, and its meta 'gates' names 1"
    edited 's/^column flow.h\(.*\)/column flow.x\1/; s/over=flow.h/over=flow.x/' "the input has no column 'flow.h' (it has epoch, layer, saturation, flow.x.offsets, flow.x)"
    edited 's/column layer/column depth/' "the input has no column 'layer'"
    alignment
    refused 65 "wants tensors, got alignment" pairs.tns
    refused 1 "missing.tns" missing.tns
}

@test "series: what was given and what was predicted, step by step" {
    tns import --format text -o two.tns << 'END'
segment profile=vectors
batch 2
column vec.offsets u64 [3]
0 2 5
column vec f32 [5,2]
1 2 3 4
0 1 2 3 4 5
column pred.vec f32 [5,2] over=vec
2 2 3 3
1 1 3 3 5 5
end
END
    tns-plot series --item 1 two.tns -o two.svg
    # component 0 is blue, given and predicted, with a sample each
    assert_equal "$(count "$blue" two.svg)" 4
    assert_equal "$(count "$orange" two.svg)" 4
    assert_equal "$(count stroke-dasharray:6,3.5 two.svg)" 4
    # one component: a colour each; the prediction is drawn a step later
    tns-plot series --item 1 --component 1 two.tns -o one.svg
    assert_equal "$(count "$blue" one.svg)" 2
    assert_equal "$(count "$orange" one.svg)" 2
    assert_equal "$(count stroke-dasharray one.svg)" 0
    begin() { grep -m 1 "$1" "$2" | sed 's/.* d="M \([0-9.]*\) .*/\1/'; }
    assert [ "$(begin "$blue" one.svg)" != "$(begin "$orange" one.svg)" ]
    tns-plot series --item 1 --component 1 --ahead 0 two.tns -o now.svg
    assert_equal "$(begin "$blue" now.svg)" "$(begin "$orange" now.svg)"
    # a target is at its own step, and stands in place of vec
    tns export --format text two.tns | sed 's/column vec /column target /; s/vec.offsets/target.offsets/; s/over=vec/over=target/' |
        tns import --format text -o target.tns
    tns-plot series --item 1 --component 1 target.tns -o target.svg
    assert_equal "$(begin "$blue" target.svg)" "$(begin "$orange" target.svg)"
    tns-plot series --column vec < two.tns > one.png
    run png_size one.png
    assert_output "960 560"
    refused() { # STATUS WORDS OPTION...
        expect "$1" tns-plot series "${@:3}"
        run cat err
        assert_output --partial "$2"
    }
    refused 2 "two.tns: there is no item 2 (it has 2, from 0)" --item 2 two.tns
    refused 2 "--component: there is no component '2' (of 2, from 0)" --component 2 two.tns
    refused 65 "two.tns: item 0: the input has no column 'price' (it has vec.offsets, vec, pred.vec)" --column price two.tns
    tns export --format text two.tns | sed 's/^3 4$/inf 4/' | tns import --format text -o bad.tns
    refused 65 "bad.tns: item 0: 'vec' holds NaN or infinity in row 1, column 0 of the item (from 0)" bad.tns
    tns-plot series --item 1 bad.tns -o fine.svg
    alignment
    refused 65 "wants vectors, tokens or tensors, got alignment" pairs.tns
}

@test "strokes: the pen is lifted where it should be, and items stand below each other" {
    tns import --format text -o pen.tns << 'END'
segment profile=vectors
batch 4
column vec.offsets u64 [5]
0 6 8 8 9
column vec f32 [9,3]
5 5 0
10 0 0
0 10 1
5 0 0
10 0 0.7
3 3 1
0 0 0
5 10 0
1 1 1
column pred.vec f32 [9,3] over=vec
0 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 0 0 0 1 0 0 0 0 0
end
END
    ink='stroke:rgb(13%,15%,18%)'
    paths() { grep "$ink" "$1" | grep -o ' d="[^"]*"'; }
    tns-plot strokes pen.tns -o pen.svg
    # two strokes and a dot; one; nothing; a dot
    assert_equal "$(paths pen.svg | awk '{ print gsub("M ", ""), gsub("L ", "") }' | paste -sd,)" "3 4,1 1,1 1"
    tns-plot strokes --item 1 --items 1 pen.tns -o one.svg
    assert_equal "$(paths one.svg | wc -l)" 1
    # up is up: the one stroke ends above where it began, and below with --down
    rise() { paths "$1" | sed 's/[^0-9. ]//g' | awk '{ print ($4 < $2) }'; }
    assert_equal "$(rise one.svg)" 1
    tns-plot strokes --item 1 --items 1 --down pen.tns -o down.svg
    assert_equal "$(rise down.svg)" 0
    tns-plot strokes --column pred.vec pen.tns -o predicted.svg
    assert_equal "$(paths predicted.svg | awk '{ print gsub("M ", "") }' | paste -sd,)" "1,1,1"
    tns-plot strokes --width 700 --height 300 < pen.tns > pen.png
    run png_size pen.png
    assert_output "700 300"
    refused() { # STATUS WORDS OPTION...
        expect "$1" tns-plot strokes "${@:3}"
        run cat err
        assert_output --partial "$2"
    }
    refused 2 "these strokes want a larger picture (--width, --height)" --height 100 pen.tns
    refused 2 "there is no item 4 (it has 4, from 0)" --item 4 pen.tns
    tns export --format text pen.tns | sed 's/^10 0 0$/10 nan 0/' | tns import --format text -o bad.tns
    refused 65 "bad.tns: item 0: 'vec' holds NaN or infinity in row 1, column 1 of the item (from 0)" bad.tns
    expect 0 tns-plot strokes --item 1 bad.tns
    tns import --format text -o flat.tns <<< $'segment profile=vectors\nbatch 1\ncolumn vec.offsets u64 [2]\n0 1\ncolumn vec f32 [1,2]\n0 1\nend'
    refused 65 "flat.tns: item 0: 'vec' has rows of 2 numbers; pen strokes have 3 (dx, dy, end)" flat.tns
}
