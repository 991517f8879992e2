# The scripts under pipelines/ that make data and score what came of it, each on a few lines of its own.

load helper

setup() {
    runnel_setup
    scripts=$(cd "$BATS_TEST_DIRNAME/../../pipelines" && pwd)
    PATH=$scripts:$PATH
}

# What all of them do: usage is 2, a missing file 1, a full disk 1.
misused() {
    expect 2 "$@"
    grep -q '^usage: ' err
}
full_disk() {
    local status=0
    "$@" > /dev/full 2> err || status=$?
    [ "$status" = 1 ]
    grep -q 'standard output: ' err
}

@test "adding-data: two marks, one in each half, and their sum" {
    adding-data 300 11 7 > text
    adding-data 300 11 7 | cmp - text
    adding-data 300 11 8 > other
    expect 1 cmp -s text other
    tns import text -o data.tns
    tns ls data.tns > out
    grep -q 'profile=vectors$' out
    grep -Eq '^column +vec +f32 +\[3300,2\]$' out
    grep -Eq '^column +target +f32 +\[300,1\]$' out
    tns export --format npy --name vec data.tns > vec.npy
    tns export --format npy --name target data.tns > target.npy
    python3 - <<'PYTHON'
import struct
def rows(name, k):
    data = open(name, 'rb').read()
    data = data[10 + struct.unpack('<H', data[8:10])[0]:]
    v = struct.unpack('<%df' % (len(data) // 4), data)
    return [v[i:i + k] for i in range(0, len(v), k)]
vec, target = rows('vec.npy', 2), rows('target.npy', 1)
assert all(0 <= x <= 1 for x, _ in vec) and max(x for x, _ in vec) > 0.99
places = set()
for i, (t,) in enumerate(target):
    item = vec[11 * i:11 * i + 11]
    marked = [s for s in range(11) if item[s][1] == 1]
    assert len(marked) == 2 and marked[0] < 5 <= marked[1], marked
    assert {m for _, m in item} == {0, 1}
    assert abs(sum(item[s][0] for s in marked) - t) < 1e-6
    places |= set(marked)
assert places == set(range(11))
PYTHON
    adding-data 1 2 0 | tns import | tns verify # the smallest
    misused adding-data 10 1 1
    misused adding-data 0 10 1
    misused adding-data 10 10
    misused adding-data 10 10 x
    full_disk adding-data 10 10 1
}

@test "wave-data: sums of sines, an empty line behind each" {
    wave-data 5 40 1 > rows
    wave-data 5 40 1 | cmp - rows
    [ "$(grep -c . rows)" = 200 ]
    [ "$(grep -c '^$' rows)" = 5 ]
    # never beyond three amplitudes of 1, and never a jump: no period is below 8
    awk 'NF { if ($1 > 3 || $1 < -3 || (begun && ($1 - last > 2.4 || last - $1 > 2.4))) exit 1; last = $1; begun = 1; next } { begun = 0 }' rows
    misused wave-data 5 1 1
    misused wave-data 5 5
    full_disk wave-data 5 5 1
}

@test "folds: every line in one of them" {
    seq 0 10 > a
    printf '11\n12\n13' > b # the last line has no end
    folds test 4 3 a b > out
    printf '3\n7\n11\n' | cmp - out
    folds train 4 3 < a > out
    printf '0\n1\n2\n4\n5\n6\n8\n9\n10\n' | cmp - out
    for fold in 0 1 2 3; do folds test 4 $fold a b; done | sort -n | cmp - <(seq 0 13)
    for fold in 0 1 2 3; do folds train 4 $fold a b | cat - <(folds test 4 $fold a b) | sort -n | cmp - <(seq 0 13); done
    misused folds test 4 4 a
    misused folds test 1 0 a
    misused folds both 4 0 a
    misused folds test
    expect 65 folds test 20 19 a
    grep -qx 'folds: no line for fold 19 of 20 to test with, among 11' err
    expect 1 folds test 4 0 missing
    grep -q '^folds: missing: ' err
    expect 1 folds test 4 0 .
    full_disk folds test 4 0 a
}

@test "naive-bayes: the hand-worked example" {
    # P(w|c): c has 8 words, j has 3, the vocabulary 6: of d5, c: 3/4 (3/7)^3 1/14 1/14, j: 1/4 (2/9)^3 2/9 2/9 - c is likelier
    printf 'Chinese Beijing Chinese\tc\nChinese Chinese Shanghai\tc\nChinese Macao\tc\nTokyo Japan Chinese\tj\n' > train
    printf 'Chinese chinese CHINESE Tokyo Japan\tc\n' > asked
    run naive-bayes train asked
    assert_output "$(printf 'naive-bayes\t1.0000\t1 of 1')"
    # without two of the first words it is not; a word that was never seen says nothing, nor does a class
    printf 'Chinese Tokyo Japan\tc\nChinese\tTokyo Japan, unseen\tj\nBeijing\tz\n' > asked
    run naive-bayes train asked
    assert_output "$(printf 'naive-bayes\t0.3333\t1 of 3')"
    printf 'x\tc\nno label\n' > bad
    expect 65 naive-bayes train bad
    grep -qx "naive-bayes: bad:2: not 'text TAB label'" err
    expect 65 naive-bayes /dev/null asked
    expect 1 naive-bayes train missing
    misused naive-bayes train
    full_disk naive-bayes train asked
}

@test "spoil-text: a word is missing, or two have changed places" {
    for n in $(seq 100); do echo "The ${n}th man, it's said, saw a well-kept house! Too short so. It rained again and again?"; done > text
    printf 'word word word word\n' >> text
    spoil-text 2 3 text > out
    spoil-text 2 3 < text | cmp - out
    [ "$(wc -l < out)" = 800 ] # twice two lines of two sentences each
    python3 - <<'PYTHON'
kinds, spoilt = {}, set()
lines = [line.rstrip('\n').split('\t') for line in open('out')]
for i in range(0, len(lines), 2):
    assert [label for label, _ in lines[i:i + 2]] == ['well', 'ill']
    was, got = (text.split(' ') for _, text in lines[i:i + 2])
    n = i // 8 + 1
    assert was == (f"the {n}th man , it's said , saw a well-kept house" if i % 8 < 4 else 'it rained again and again').split(' ')
    if len(got) == len(was):
        differ = [j for j in range(len(was)) if got[j] != was[j]]
        assert len(differ) == 2 and sorted(got) == sorted(was) and not any(was[j] == ',' for j in differ)
        kind = 'swapped'
    else:
        assert any(got == was[:j] + was[j + 1:] for j in range(len(was))) and got.count(',') == was.count(',')
        kind = 'dropped'
    kinds[kind] = kinds.get(kind, 0) + 1
    spoilt.add(' '.join(got))
assert kinds['swapped'] > 120 and kinds['dropped'] > 120, kinds
assert len(spoilt) > 150                     # one and the same sentence in many ways
PYTHON
    expect 65 spoil-text 1 1 /dev/null
    printf 'one two three f\xffur\n' > bad
    expect 65 spoil-text 1 1 text bad
    grep -qx 'spoil-text: bad:1: not UTF-8' err
    expect 1 spoil-text 1 1 missing
    misused spoil-text 1
    misused spoil-text 0 1 text
    misused spoil-text 1 text
    full_disk spoil-text 1 1 text
}

# Glyphs 8 and 16 columns wide, one without a name, one that is not there.
glyph_files() {
    {
        echo "0041:00000000182424427E42424242420000"
        echo "0042:000000007C4242427C424242427C0000"
        echo "00A0:$(printf '0123456789ABCDEF%.0s' 1 2 3 4)"
        echo "4E00:$(printf 'FFFF%.0s' {1..16})"
    } > font.hex
    printf '%s\n' '0041;LATIN CAPITAL LETTER A;Lu;0;L;;;;;N;;;;0061;' '0042;LATIN CAPITAL LETTER B;Lu;0;L;;;;;N;;;;0062;' \
        '0043;LATIN CAPITAL LETTER C;Lu;0;L;;;;;N;;;;0063;' '00A0;NO-BREAK SPACE;Zs;0;CS;<noBreak> 0020;;;;N;NON-BREAKING SPACE;;;;' \
        '4E00;<CJK Ideograph, First>;Lo;0;L;;;;;N;;;;;' > names.txt
}

@test "glyphs: bitmaps with their names, and the nearest one's" {
    glyph_files
    glyphs text font.hex names.txt > glyphs.txt
    [ "$(wc -l < glyphs.txt)" = 3 ]
    glyphs names glyphs.txt > names
    printf 'latin capital letter a\nlatin capital letter b\nno break space\n' | cmp - names
    head -n 1 glyphs.txt | grep -q '^0000000000000000018002400240042007E00420042004200420042000000000	'
    glyphs bitmaps glyphs.txt | tns import -o bitmaps.tns
    tns ls bitmaps.tns | grep -Eq '^column +feature +f32 +\[3,256\]$'
    tns text bitmaps.tns > text
    # row 4 of the A: columns 7 and 8
    sed -n '/^column/{n;p;}' text | cut -d ' ' -f 65-80 | grep -qx '0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 0'
    [ "$(sed -n '/^column/{n;n;n;p;}' text | tr -d ' \n' | cut -c 1-16)" = 0000000100100011 ]
    # one pixel away from the B; as near to both, the first
    sed -n 2p glyphs.txt | sed 's/^0000/0001/; s/letter b/letter b with a dot/' > test.txt
    sed 's/letter a/copy of a/' glyphs.txt | sed -n 1p | cat - glyphs.txt > train.txt
    sed -n 1p glyphs.txt >> test.txt
    glyphs nearest train.txt test.txt > nearest
    printf 'latin capital letter b\nlatin capital copy of a\n' | cmp - nearest

    expect 65 glyphs text names.txt names.txt
    grep -qx "glyphs: names.txt:1: not 'code point:32 or 64 hexadecimal digits'" err
    expect 65 glyphs text font.hex font.hex
    grep -qx "glyphs: font.hex:1: not 'code point;name;...'" err
    head -n 1 names.txt | sed 's/0041/0061/' > other.txt
    expect 65 glyphs text font.hex other.txt
    grep -q 'no glyph that other.txt has a name for' err
    expect 65 glyphs bitmaps font.hex
    grep -qx 'glyphs: font.hex:1: not 64 hexadecimal digits TAB name' err
    expect 65 glyphs names /dev/null
    expect 1 glyphs names missing
    misused glyphs
    misused glyphs nearest glyphs.txt
    misused glyphs draw glyphs.txt
    full_disk glyphs names glyphs.txt
}

@test "word-f1: words in common" {
    printf 'latin small letter a\na b\n\nx x y\n' > reference
    printf 'small latin letter b\nc\n\nx x x\n' > guess.txt # 3/4, 0, 1, 2/3
    run word-f1 reference guess.txt ./reference
    assert_output "$(printf 'guess\t0.6042\nreference\t1.0000')"
    printf 'one line\n' > short
    expect 65 word-f1 reference short
    grep -qx 'word-f1: short: has 1 lines, but reference 4' err
    expect 65 word-f1 /dev/null /dev/null
    expect 1 word-f1 reference missing
    misused word-f1 reference
    full_disk word-f1 reference guess.txt
}

# A font of three glyphs: a blank 10 wide; ! an angle and a dot; " a line of 21 units.
font() {
    printf '%s\n' '  699  1MW' '  700  6MWMFM[W[ RRR' '  701  3NVRFR['
}

@test "stroke-data: what the pen does" {
    font > font.jhf
    yes '! "' | head -n 100 > text
    stroke-data font.jhf 5 text > rows
    stroke-data font.jhf 5 < text | cmp - rows
    [ "$(grep -c '^$' rows)" = 100 ]
    python3 - <<'PYTHON'
items = [[list(map(float, row.split(','))) for row in item.split('\n')] for item in open('rows').read().strip().split('\n\n')]
heights, slants = [], []
for item in items:
    assert {row[2] for row in item} == {0, 1}
    x = y = 0
    strokes, stroke = [], []
    for dx, dy, end in item:
        x, y = x + dx, y + dy
        stroke.append((x, y))
        if end:
            strokes.append(stroke)
            stroke = []
    assert not stroke and len(strokes) == 3
    angle, dot, line = strokes
    assert len(dot) == 1 and len(angle) > 8 and len(line) > 6
    height = line[0][1] - line[-1][1]        # from the top downwards
    heights.append(height)
    slants.append((line[0][0] - line[-1][0]) / height)
    assert angle[0] == (0, 0)                # there the pen is set down
    assert abs(line[-1][1] - angle[-1][1]) < 0.5 # both end on the base line
    assert line[-1][0] > angle[-1][0]        # and stands to the right of the angle
    for stroke in strokes:
        for (a, b), (c, d) in zip(stroke, stroke[1:]):
            assert ((a - c) ** 2 + (b - d) ** 2) ** 0.5 < 2
assert 5.2 < min(heights) < 6 and 8 < max(heights) < 8.8, (min(heights), max(heights)) # 7, times 0.8 to 1.2
assert -0.2 < min(slants) < 0 and 0.2 < max(slants) < 0.4
PYTHON
    printf '!\nlight\n"\n' > text
    stroke-data font.jhf 1 text > rows 2> err
    [ "$(grep -c '^$' rows)" = 2 ]
    grep -qx 'stroke-data: 1 of 3 lines left out: font.jhf lacks their characters' err
    expect 65 stroke-data font.jhf 1 /dev/null
    echo '  699  2MW' > bad.jhf
    expect 65 stroke-data bad.jhf 1 text
    grep -qx 'stroke-data: bad.jhf:1: says 2 pairs, but has 1' err
    expect 65 stroke-data text 1 text
    grep -qx 'stroke-data: text:1: not a Hershey glyph' err
    expect 65 stroke-data /dev/null 1 text
    expect 1 stroke-data missing 1 text
    expect 1 stroke-data font.jhf 1 missing
    misused stroke-data font.jhf
    misused stroke-data font.jhf x
    full_disk stroke-data font.jhf 1 text
}
