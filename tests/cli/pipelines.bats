# The pipelines that come with Runnel, each on a few lines of its own: pipelines/*.yaml by the runner, pipelines/Makefile by make.

load helper

setup() {
    runnel_setup
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    mkdir here fortunes
    cp "$root"/pipelines/{verses.yaml,poems.yaml,Makefile,verse-text,poem-text} here
    english > english.imp
    spanish > spanish.imp
    fortunes > fortunes/tang300
    fortunes > fortunes/song100
}

# As mod2imp prints them: ten verses of six tagged words, headings, a note, a verse that only one of the texts has.
english() {
    local n words=(light water earth heaven king day night word hand house)
    printf '$$$[ Module Heading ]\n\n$$$Genesis 1:0\n<chapter n="1"/>\n'
    for n in 1 2 3 4 5 6 7 8 9 10; do
        printf '$$$Genesis 1:%d\n<w lemma="strong:H1">And</w> the <w lemma="strong:H2">man</w> <w lemma="strong:H3">saw</w> ' "$n"
        printf 'the <w lemma="strong:H%d">%s</w><note>1.%d Or <w lemma="strong:H9">thing</w></note> ' $((10 + n)) "${words[n - 1]}" "$n"
        printf '<w lemma="strong:H4">of the house</w>, <w lemma="strong:H5">good</w>.\n'
    done
    printf '$$$Genesis 1:11\n<w lemma="strong:H1">And</w> it was so.\n'
}
spanish() {
    local n words=(luz agua tierra cielo rey día noche palabra mano casa)
    for n in 1 2 3 4 5 6 7 8 9 10; do
        printf '$$$Genesis 1:%d\n<w lemma="strong:H1">Y</w> <w lemma="strong:H3">VIÓ</w> <w lemma="strong:H2">el hombre</w> ' "$n"
        printf 'la <w lemma="strong:H%d">%s</w> <w lemma="strong:H5">buena</w> ' $((10 + n)) "${words[n - 1]}"
        printf '<w lemma="strong:H4">de la casa</w>.\n'
    done
}
fortunes() {
    local n
    for n in 1 2 3 4 5; do
        printf '\033[32m《感遇》\033[m\n\033[33m作者：张九龄\033[m\n兰叶春葳蕤，桂华秋皎洁。\n欣欣此生意，自尔为佳节。\n%%\n'
        printf '送别\n山中相送罢，日暮掩柴扉。\n春草明年绿，王孙归不归。\n%%\nprose, no verse\n%%\n'
    done
}

@test "verse-text makes pairs, links and marks that belong together" {
    here/verse-text pairs english.imp spanish.imp > pairs
    here/verse-text links english.imp spanish.imp > links
    here/verse-text tagged english.imp spanish.imp > tagged
    here/verse-text text english.imp > text
    run cat pairs
    assert_line --index 0 "$(printf 'and the man saw the light of the house good\ty vió el hombre la luz buena de la casa')"
    assert_equal "${#lines[@]}" 10
    run cat links
    assert_line --index 0 '0-0 3-1 5-5 9-6 2?2 2?3 6?7 6?8 6?9 7?7 7?8 7?9 8?7 8?8 8?9'
    assert_equal "${#lines[@]}" 10
    run cat tagged
    assert_line --index 0 '1011011111 1111011111'
    run cat text
    assert_line --index 0 'And the man saw the light of the house, good.'
    assert_equal "${#lines[@]}" 11

    expect 2 here/verse-text pairs english.imp
    expect 1 here/verse-text text missing
    assert grep -q 'verse-text: missing: ' err
    expect 65 here/verse-text text fortunes/tang300
    assert grep -q 'no verse in it' err
    head -c 3 /dev/urandom | sed 's/^/$$$Genesis 1:1\n\xff/' > broken
    expect 65 here/verse-text text broken
    assert grep -q 'Genesis 1:1: not UTF-8' err
    printf '$$$Exodus 1:1\n<w lemma="strong:H1">Y</w>\n' > other.imp
    expect 65 here/verse-text pairs english.imp other.imp
    assert grep -q 'no verse in common' err
    expect 1 bash -c 'exec here/verse-text text english.imp > /dev/full'
}

@test "poem-text keeps verse and nothing else" {
    here/poem-text fortunes/tang300 > poems
    run cat poems
    assert_line --index 0 '兰叶春葳蕤，桂华秋皎洁。欣欣此生意，自尔为佳节。'
    assert_line --index 1 '山中相送罢，日暮掩柴扉。春草明年绿，王孙归不归。'
    assert_equal "${#lines[@]}" 10
    expect 65 here/poem-text english.imp
    assert grep -q 'no poem in english.imp' err
    expect 1 here/poem-text missing
}

# Small sizes for every param that costs time.
verses=(dim=8 word_epochs=3 hidden=8 batch=2 bptt=8 character_epochs=2 length=20 sample=0)
poems=(dim=8 word_epochs=3 hidden=8 batch=2 bptt=8 character_epochs=2 length=20)

@test "verses.yaml runs on ten verses, and a second time does nothing" {
    given=(reader=cat "english=$PWD/english.imp" "spanish=$PWD/spanish.imp" "chosen=man,hombre,light,luz" "${verses[@]}")
    expect 0 runnel run here/verses.yaml --directory made "${given[@]}"
    for stream in words aligned writer; do
        expect 0 tns verify "made/verses/$stream.tns"
    done
    assert [ -s made/verses/written.txt ]
    for picture in heatmap map loss; do
        assert_equal "$(head -c 4 "made/verses/$picture.png" | tail -c 3)" PNG
    done
    assert grep -qE '^found	[01]\.[0-9]+	[01]\.[0-9]+	[01]\.[0-9]+	' made/verses/score.txt
    assert grep -q '^diagonal	' made/verses/score.txt

    before=$(cd made/verses && stat -c '%n %i %y' ./*)
    expect 0 runnel run here/verses.yaml --directory made "${given[@]}"
    assert_equal "$(cd made/verses && stat -c '%n %i %y' ./*)" "$before"
}

@test "poems.yaml runs on ten poems" {
    expect 0 runnel run here/poems.yaml --directory made "tang=$PWD/fortunes/tang300" "song=$PWD/fortunes/song100" "chosen=春,山,日,归" "${poems[@]}"
    expect 0 tns verify made/poems/characters.tns
    expect 0 tns verify made/poems/poet.tns
    assert [ -s made/poems/poem.txt ]
    for picture in map loss; do
        assert_equal "$(head -c 4 "made/poems/$picture.png" | tail -c 3)" PNG
    done
}

@test "the pipelines' Makefile makes the same streams with the filters alone" {
    given=(reader=cat "english=$PWD/english.imp" "spanish=$PWD/spanish.imp" "chosen=man,hombre,light,luz" "${verses[@]}")
    expect 0 runnel run here/verses.yaml --directory made "${given[@]}"
    expect 0 make -s -C here BIN="$RUNNEL_BUILD/bin" OUT="$PWD/by-make" READER=cat ENGLISH="$PWD/english.imp" SPANISH="$PWD/spanish.imp" \
        CHOSEN='man,hombre,light,luz' W2V='--dim 8 --window 200 --no-dynamic-window --sample 0 --lr 0.025 --epochs 3 --seed 1' \
        RNN='--task lm --cell lstm --layers 2 --hidden 8 --batch 2 --bptt 8 --epochs 2 --valid 0.02 --seed 1' LENGTH=20 verses
    for name in words.tns aligned.tns writer.tns written.txt score.txt; do
        cmp "by-make/$name" "made/verses/$name"
    done
    expect 0 make -s -C here BIN="$RUNNEL_BUILD/bin" OUT="$PWD/by-make" FORTUNES="$PWD/fortunes" CHOSEN_POEMS='春,山,日,归' \
        W2V_POEMS='--dim 8 --window 10 --epochs 3' RNN_POEMS='--task lm --hidden 8 --batch 2 --bptt 8 --epochs 2' \
        LENGTH_POEMS=20 poems
    assert [ -s by-make/poem.txt ]
}

@test "every pipeline lints" {
    for file in "$root"/pipelines/*.yaml; do
        expect 0 runnel lint "$file"
    done
}
