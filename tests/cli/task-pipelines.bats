# The pipelines of the tasks that recurrent networks learn, each on data of a few lines: pipelines/*.yaml by the runner.

load helper

setup() {
    runnel_setup
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    mkdir here
    cp "$root"/pipelines/* here
}

is_picture() {
    for picture; do
        assert_equal "$(head -c 4 "$picture" | tail -c 3)" PNG
    done
}

@test "adding.yaml: four cells, and what of the gradient comes back" {
    expect 0 runnel run here/adding.yaml --directory made items=40 test_items=10 steps=10 hidden=6 batch=10 epochs=2 irnn_epochs=2
    for cell in elman irnn lstm gru; do
        expect 0 tns verify "made/adding/$cell.tns"
        grep -q '"valid_loss": [0-9]' "made/adding/$cell.log"
        grep -q '^mse	' "made/adding/$cell.txt"
        tns ls "made/adding/$cell-flow.tns" | grep -q '^column *flow.h '
    done
    tns ls made/adding/irnn.tns > out
    grep -q ' option.activation=relu ' out
    grep -q ' option.init-recurrent=identity ' out
    is_picture made/adding/{loss,gradflow}.png
}

@test "characters.yaml: a text, and what the model writes" {
    for n in $(seq 40); do echo "line $n of a small play, spoken by the same few people"; done > play.txt
    expect 0 runnel run here/characters.yaml --directory made text=play.txt hidden=12 batch=4 bptt=16 epochs=4 \
        lr_decay_after=1 valid=0.2 length=80
    [ "$(tr -d '\n' < made/characters/written.txt | wc -m)" -gt 60 ]
    grep -q '"valid_loss": [0-9]' made/characters/model.log
    is_picture made/characters/loss.png
}

# Sentences of three words and a mark in CoNLL-U, from the number $1 on.
treebank() {
    local n nouns=(dog cat bird fish) verbs=(runs sleeps sings swims)
    for ((n = $1; n < $1 + 12; n++)); do
        printf '# sent_id = %d\n1\tThe\tthe\tDET\t_\t_\t0\t_\t_\t_\n' "$n"
        printf '2\t%s\t_\tNOUN\t_\t_\t0\t_\t_\t_\n' "${nouns[n % 4]}"
        printf '3\t%s\t_\tVERB\t_\t_\t0\t_\t_\t_\n4\t.\t.\tPUNCT\t_\t_\t0\t_\t_\t_\n\n' "${verbs[n / 4 % 4]}"
    done
}

@test "tagging.yaml: a treebank of twelve sentences" {
    treebank 0 > train.conllu
    treebank 5 > dev.conllu
    treebank 2 | sed 's/bird/newt/' > test.conllu
    for n in $(seq 30); do echo "the dog runs . the cat sleeps . a newt swims ."; done > text
    expect 0 runnel run here/tagging.yaml --directory made train=train.conllu dev=dev.conllu test=test.conllu text=text \
        dim=8 word_epochs=2 min_count=1 hidden=12 spell=4 batch=4 epochs=30 lr=1e-2
    tns ls made/tagging/train.tns | grep -q '^tensor *tag.vocab.text '
    grep -q '^NOUN' made/tagging/report.txt
    is_picture made/tagging/loss.png
}

@test "sentiment.yaml: a network and naive Bayes on the same fold" {
    for n in $(seq 20); do printf 'This is a good phone %d.\t1\nWhat a bad %d idea!\t0\n' "$n" "$n"; done > sentences
    for n in $(seq 30); do echo "a good thing is a good thing , a bad thing is not"; done > text
    expect 0 runnel run here/sentiment.yaml --directory made sentences=sentences text=text fold=2 dim=8 word_epochs=2 \
        min_count=1 hidden=8 batch=4 epochs=10 lr=1e-2
    [ "$(cut -f 1,3 made/sentiment/2/bayes.txt)" = "naive-bayes	8 of 8" ]
    [ -s made/sentiment/2/report.txt ]
}

@test "wellformed.yaml: lines of a text of one's own" {
    for n in $(seq 60); do echo "The old man $n saw a light upon the water; it was good."; done > text
    expect 0 runnel run here/wellformed.yaml --directory made reader=cat source="$PWD/text" times=2 min_count=1 \
        embed_dim=8 hidden=8 batch=8 epochs=2
    grep -q '^ill' made/wellformed/report.txt
    is_picture made/wellformed/loss.png
}

@test "captions.yaml: names of thirty glyphs" {
    for n in $(seq 65 94); do
        printf '%04X:%032X\n' "$n" $((n * 7919)) >> font.hex
        printf '%04X;SIGN %s %s;So;0;L;;;;;N;;;;;\n' "$n" "$( ((n % 2)) && echo ODD || echo EVEN)" "$( ((n % 3)) && echo ROUND || echo SQUARE)"
    done > names.txt
    expect 0 runnel run here/captions.yaml --directory made hex=font.hex unicode=names.txt min_count=1 embed_dim=8 hidden=16 \
        batch=4 epochs=20 lr=1e-2
    tns ls made/captions/unseen.tns | grep -Eq '^column +feature +f32 +\[3,256\]'
    [ "$(wc -l < made/captions/network.txt)" = 3 ]
    grep -q '^sign ' made/captions/network.txt
    grep -Eqx 'nearest	[01]\.[0-9]{4}' made/captions/score.txt
    grep -Eqx 'network	[01]\.[0-9]{4}' made/captions/score.txt
    is_picture made/captions/loss.png
}

@test "strokes.yaml: a font of three glyphs" {
    printf '%s\n' '  699  1MW' '  700  6MWMFM[W[ RRR' '  701  3NVRFR[' > font.jhf
    yes '! "' | head -n 30 > text
    expect 0 runnel run here/strokes.yaml --directory made reader=cat source="$PWD/text" font=font.jhf lines=20 layers=1 \
        hidden=8 mixtures=3 batch=4 epochs=2 length=30
    tns ls made/strokes/strokes.tns | grep -q 'items=20 '
    tns verify made/strokes/written.tns
    is_picture made/strokes/{strokes,written,loss}.png
}

@test "waves.yaml: a few short series" {
    expect 0 runnel run here/waves.yaml --directory made items=20 test_items=3 steps=20 item=2 hidden=6 batch=5 epochs=2
    tns ls made/waves/predicted.tns | grep -Eq '^column +pred.vec +f32 +\[60,1\]'
    is_picture made/waves/{waves,loss}.png
    cp made/waves/waves.png before.png
    expect 0 runnel run here/waves.yaml --directory made items=20 test_items=3 steps=20 item=2 hidden=6 batch=5 epochs=2
    cmp made/waves/waves.png before.png
}
