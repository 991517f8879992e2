#!/usr/bin/env bats
# tns: what a user sees of each verb. What a stream is, and what its readers refuse, is tested in stream.bats and by the
# units.

load helper

setup() {
    runnel_setup
    cat > data.txt <<'TEXT'
# every kind of column, in two batches
segment profile=tokens hop.0000="tokenize 0.1.0 --level=space"
tensor vocab.text.offsets u64 [8]
0 5 10 13 17 18 22 23
tensor vocab.text utf8 [*] tokenize.level=space
"<pad>" "<unk>" "<s>" "</s>" "a" "爱 " "c"
tensor vocab.count u64 [7]
0 0 0 0 3 2 1
batch 2
column ids.offsets u64 [3]
0 1 3
column ids u32 [3]
4 5 6
column vec f32 [3,2] over=ids
0.1 -0
inf 1e-45
3 4
column label bool [2]
1 0
batch 1
column ids.offsets u64 [2]
0 2
column ids u32 [2]
4 4
column vec f32 [2,2] over=ids
5 6
7 8
column label bool [1]
1
end
TEXT
    tns import data.txt -o data.tns
}

# A stream that ends in ERROR, typed by hand: HEAD, then the frame.
error_stream() {
    python3 - <<'PYTHON'
import struct, sys, zlib
def frame(kind, seq, meta=b'', dtype=0, dims=(), payload=b''):
    def head(crc):
        b = struct.pack('<8sBBBBBBHIIQQIIQQ', b'\x89RNL\r\n\x1a\n', 1, 0, kind, 0, dtype, len(dims), 0, len(meta), crc,
                        len(payload), len(payload), zlib.crc32(payload), zlib.crc32(b'profile=tokens\n'), seq, 0)
        b += b''.join(struct.pack('<Q', d) for d in dims) + meta
        return b + bytes(-len(b) % 64)
    return head(zlib.crc32(head(0))) + payload + bytes(-len(payload) % 64)
lines = b'1\tw2v-train\tout.tns: No space left on device\n'
sys.stdout.buffer.write(frame(1, 0, b'profile=tokens\n') + frame(6, 1, b'', 13, (len(lines),), lines))
PYTHON
}

@test "ls shows every tensor, column, and what HEAD and END say" {
    run tns ls data.tns
    assert_success
    assert_line --index 0 'head    hop.0000="tokenize 0.1.0 --level=space" profile=tokens'
    assert_line --regexp '^tensor +vocab.text +utf8 +\[23\] +tokenize.level=space$'
    assert_line --regexp '^column +ids.offsets +u64 +\[4\]$'
    assert_line --regexp '^column +ids +u32 +\[5\]$'
    assert_line --regexp '^column +vec +f32 +\[5,2\] +over=ids$'
    assert_line --regexp '^column +label +bool +\[3\]$'
    assert_line --regexp "^end +digest=[0-9a-f]{32} frames=14 items=3 status=complete batches=2 bytes=$(stat -c %s data.tns)$"
    run tns ls data.tns - < data.tns
    assert_line '==> data.tns <=='
    assert_line '==> standard input <=='
    cat data.tns data.tns | tns ls > out
    [ "$(grep -c ^head out)" = 2 ]
    tns ls data.tns | tail -n 1 > one
    tail -n 1 out | cmp - one # the second segment counts its own bytes
}

@test "the text form loses nothing" {
    tns text data.tns > text
    grep -q '^"爱 "$' text
    grep -q '^inf 1e-45$' text
    tns import < text | cmp - data.tns
    tns import -f text text -o again.tns
    cmp again.tns data.tns
    cat data.tns data.tns | tns text | tns import > two.tns
    cat data.tns data.tns | cmp - two.tns
    expect 65 tns import < /dev/null
    expect 65 tns text < /dev/null
    # a text without history gets one; a text that was cut is refused
    printf 'segment profile=x\nend\n' | tns import | tns ls | grep -q 'hop.0000="tns [0-9.]* import --format=text"'
    sed '/^end/d' text | expect 65 tns import
    grep -q '^tns: standard input:[0-9]*:1: the text ends before' err
    printf 'segment profile=x\ntensor w f32 [2,2]\n1 2\n3\nend\n' | expect 65 tns import
    grep -qx "tns: standard input:5:1: 'w' ends here with 3 values where its shape holds 4" err
    expect 2 tns import --name x data.txt
    expect 2 tns import --column data.txt
}

@test "words: tokens put back into text" {
    tns text --words data.tns > out
    printf 'a\n爱  c\na a\n' | cmp - out
    sed 's/^4 5 6/4 5 7/' data.txt | tns import > beyond.tns
    expect 65 tns text -w beyond.tns
    grep -q 'beyond.tns: item 1 has the id 7, but the vocabulary 7 words' err
    tns drop -i data.tns 'ids*' vec | expect 65 tns text -w
    grep -q 'no ids' err
}

@test "head and slice cut, keep what stands in front, and say that they cut" {
    tns head -n 2 data.tns > head.tns
    tns verify head.tns
    tns ls head.tns > out
    grep -q 'status=partial' out
    grep -q 'hop.0001="tns [0-9.]* head --items=2"' out
    grep -q 'items=2 ' out
    grep -Eq 'tensor +vocab.count' out
    tns head -n 1 < data.tns | tns text | grep -A1 '^column vec ' | grep -qx '0.1 -0'
    # nothing left out: complete, and the digest of what was read
    tns head -n 3 data.tns | tns ls | grep -q "parent=$(tns digest data.tns | cut -c 1-32) status=complete"
    tns head data.tns | tns cmp - data.tns
    cat data.tns data.tns | tns head -n 3 | tns ls | grep -c ^end | grep -qx 1
    cat data.tns data.tns | tns head -n 3 | tns ls | grep -q status=partial
    cat data.tns data.tns | tns head -n 4 | tns ls | grep -c ^end | grep -qx 2

    tns slice 1:3 data.tns > slice.tns
    tns text slice.tns > out
    grep -q 'status=partial' out
    tns text -w slice.tns > words
    printf '爱  c\na a\n' | cmp - words
    grep -A3 '^column vec f32 \[2,2\]' out | head -n 3 | grep -qx 'inf 1e-45'
    tns slice 0: data.tns | tns cmp - data.tns
    tns slice :1 data.tns > a.tns
    tns slice 1:2 data.tns > b.tns
    tns slice 2: data.tns > c.tns
    [ "$(tns cat a.tns b.tns c.tns | tns text -w | wc -l)" = 3 ]
    tns slice 100:200 data.tns | tns ls | grep -q 'items=0'
    for range in 1 a:b 3:1 -1:2 ''; do
        expect 2 tns slice -- "$range" data.tns
        grep -q 'LOW:HIGH' err
    done
    expect 2 tns slice
    expect 2 tns head -n -1 data.tns
}

@test "cat verifies and joins" {
    expect 1 tns cat data.tns none.tns
    grep -q 'none.tns: No such file' err
    tns cat data.tns data.tns > two.tns
    tns verify two.tns
    [ "$(tns digest two.tns | wc -l)" = 2 ]
    tns ls two.tns | grep -q 'hop.0001="tns [0-9.]* cat"'
    cat data.tns data.tns | tns cmp two.tns -
    head -c 1000 data.tns > cut.tns
    expect 65 tns cat data.tns cut.tns
    cp out failed.tns
    grep -q "^tns: cut.tns: the stream ends at byte 1000 without its END; the last good frame is " err
    expect 69 tns verify failed.tns # what was written before says so too
    expect 65 tns cat data.tns cut.tns -o file.tns
    [ ! -e file.tns ]
}

@test "verify is silent or says where" {
    expect 0 tns verify data.tns data.tns
    [ ! -s out ] && [ ! -s err ]
    cp data.tns bad.tns
    printf X | dd of=bad.tns bs=1 seek=260 conv=notrunc status=none
    expect 65 tns verify bad.tns
    grep -q "^tns: bad.tns: frame 1 'vocab.text.offsets' at byte " err
    [ "$(wc -l < err)" = 1 ]
    error_stream > error.tns
    expect 69 tns verify error.tns
    grep -qx 'tns: error.tns: an earlier stage failed: w2v-train: out.tns: No space left on device' err
    # the cause goes on, hop by hop
    tns cat error.tns 2> /dev/null | tns cat 2> /dev/null | expect 69 tns ls
    grep -q 'w2v-train: out.tns: No space left on device' err
    expect 1 tns verify none.tns
    grep -q 'none.tns: No such file' err
    expect 1 tns verify .
    expect 65 tns verify /dev/null
    expect 65 tns verify data.txt
    grep -q 'not a tensor stream' err
}

@test "cmp: same, different, misused" {
    expect 0 tns cmp data.tns data.tns
    [ ! -s out ] && [ ! -s err ]
    different() { # SED-SCRIPT WORDS...
        sed "$1" data.txt | tns import > other.tns
        shift
        expect 1 tns cmp data.tns other.tns
        grep -qF -- "$1" out || { cat out; fail "does not say: $1"; }
    }
    different 's/^3 4$/3 4.5/' 'column vec (counted from item 0): element [2,1] is 4 and 4.5'
    different 's/^7 8$/7 8.5/' 'column vec (counted from item 2): element [1,1] is 8 and 8.5'
    different 's/^0 0 0 0 3 2 1/0 0 0 0 3 2 2/' 'tensor vocab.count: element [6] is 1 and 2'
    different 's/tokenize.level=space/tokenize.level=word/' 'metadata tokenize.level is "space" and "word"'
    different 's/profile=tokens/profile=vectors/' 'HEAD: metadata profile is "tokens" and "vectors"'
    different 's/column label/column tags/' 'column label (counted from item 0) is in the first alone'
    different 's/f32/f64/' 'f32[3,2] and f64[3,2]'
    different 's/^end/end status=partial/' 'END: status complete and partial'
    sed 's/hop.0000="tokenize/hop.0000="another/' data.txt | tns import | tns cmp - data.tns
    cat data.tns data.tns | expect 1 tns cmp data.tns -
    grep -q 'the first ends after 1 segment$' out
    tns head -n 2 data.tns | expect 1 tns cmp data.tns -
    grep -q 'the second ends after 2 items' out

    # how items are cut into batches does not count
    cat > joined.txt <<'TEXT'
segment profile=x
batch
column o.offsets u64 [*]
0 1 1 4
column o u8 [*]
1 2 3 4
end
TEXT
    sed 's/^0 1 1 4/0 1/; s/^1 2 3 4/1/; s/^end/batch\ncolumn o.offsets u64 [*]\n0 0 3\ncolumn o u8 [*]\n2 3 4\nend/' joined.txt > parted.txt
    tns import joined.txt -o joined.tns
    tns import parted.txt -o parted.tns
    cmp -s joined.tns parted.tns && fail "they should differ as files"
    tns cmp joined.tns parted.tns
    tns cmp parted.tns joined.tns
    sed 's/^2 3 4/2 3 5/' parted.txt | tns import | expect 1 tns cmp joined.tns -

    # tolerances
    sed 's/^0.1 -0/0.1000001 1e-9/; s/^7 8/7.000001 8/' data.txt | tns import > near.tns
    expect 1 tns cmp data.tns near.tns
    expect 1 tns cmp --rtol 1e-5 data.tns near.tns
    expect 0 tns cmp --rtol 1e-5 --atol 1e-8 data.tns near.tns
    sed 's/f32/f64/' data.txt | tns import | tns cmp --rtol 1e-5 --atol 1e-30 data.tns -

    expect 2 tns cmp data.tns
    expect 2 tns cmp data.tns data.tns data.tns
    expect 2 tns cmp data.tns none.tns
    expect 2 tns cmp - -
    expect 2 tns cmp --rtol -1 data.tns data.tns
    head -c 600 data.tns | expect 65 tns cmp data.tns -
}

@test "digest: of the content, the same wherever it lies" {
    tns digest data.tns > out
    grep -Eqx '[0-9a-f]{32}  data.tns' out
    tns digest < data.tns | grep -qx "$(cut -c 1-32 out)  standard input"
    tns ls data.tns | grep -q "digest=$(cut -c 1-32 out)"
}

@test "drop leaves out by pattern" {
    tns drop 'vocab.*' vec < data.tns > out
    tns verify out
    tns ls out > list
    grep -q 'hop.0001="tns [0-9.]* drop vocab.\* vec"' list
    grep -v '^head' list > rest
    grep -q 'vocab\|vec' rest && fail "something was not dropped"
    grep -Eq 'column +ids +u32' list
    tns drop -i data.tns '*' | tns ls | grep -q 'items=0 '
    expect 0 tns drop -i data.tns nothing
    grep -q "nothing is called 'nothing'" err
    expect 0 tns drop --quiet -i data.tns nothing
    [ ! -s err ]
    # what would not hold together is refused
    expect 65 tns drop -i data.tns ids.offsets
    grep -q "'ids' would come first" err
    expect 2 tns drop
}

@test "paste puts the columns of the same items beside each other" {
    cat > feature.txt <<'TEXT'
segment profile=tensors kind=bitmaps
tensor scale f32 [1]
2
batch 1
column feature u8 [1,2]
1 0
batch 2
column feature u8 [2,2]
0 1
1 1
end
TEXT
    tns import feature.txt -o feature.tns
    tns paste data.tns feature.tns > both.tns
    tns verify both.tns
    # the batches were cut 2, 1 and 1, 2; everything is there, and the first says what the stream is
    tns ls both.tns > out
    grep -q '^head .*hop.0001="tns [0-9.]* paste" profile=tokens$' out
    grep -q "^end .*items=3 parent=\"$(tns digest data.tns | cut -c 1-32) $(tns digest feature.tns | cut -c 1-32)\" status=complete batches=3 " out
    tns drop -i both.tns feature scale | tns cmp - data.tns
    tns slice 1:2 both.tns | tns text | grep -A 1 '^column feature u8 \[1,2\]$' | grep -qx '0 1'
    # from standard input, several of them, segment by segment
    sed 's/feature/third/; s/scale/other/' feature.txt | tns import -o third.tns
    tns paste - feature.tns third.tns < data.tns | tns drop third other | tns cmp - both.tns
    cat data.tns data.tns > two.tns
    cat feature.tns feature.tns | tns paste two.tns - > four.tns
    cat both.tns both.tns | tns cmp - four.tns
    # what does not belong together is refused; a part stays a part
    expect 65 tns paste data.tns data.tns
    grep -q "^tns: data.tns: has a tensor 'vocab.text.offsets', as data.tns has (drop it from one: tns drop 'vocab.text.offsets')" err
    expect 65 tns paste feature.tns third.tns feature.tns
    grep -q "has a tensor 'scale'" err
    tns drop -i feature.tns scale > bare.tns
    expect 65 tns paste feature.tns bare.tns
    grep -q "^tns: bare.tns: has a column 'feature', as feature.tns has" err
    tns head -n 2 third.tns > two-items.tns
    expect 65 tns paste data.tns feature.tns two-items.tns
    grep -q '^tns: two-items.tns: ends after 2 items of its segment, but feature.tns goes on' err
    expect 65 tns paste two.tns feature.tns
    grep -q '^tns: feature.tns: ends after 1 segment, but two.tns goes on' err
    tns head -n 2 data.tns | tns paste - two-items.tns | tns ls | grep -q ' status=partial '
    expect 2 tns paste - - < data.tns
    expect 2 tns paste data.tns
    error_stream > broken.tns
    expect 69 tns paste data.tns broken.tns
    expect 69 bash -c 'tns paste data.tns two-items.tns | tns verify'
}

@test "npy both ways" {
    tns export -f npy --name vec data.tns -o vec.npy
    head -c 6 vec.npy | od -An -tx1 | grep -q '93 4e 55 4d 50 59'
    grep -aq "'descr': '<f4', 'fortran_order': False, 'shape': (5, 2)" vec.npy
    [ "$(stat -c %s vec.npy)" = $((128 + 40)) ]
    tns import -f npy --column --name vec --profile vectors --meta unit=m --meta 'k=a b' vec.npy > back.tns
    tns text back.tns > out
    grep -q '^segment hop.0000="tns [0-9.]* import --format=npy" profile=vectors' out
    grep -q '^batch 5' out
    grep -qx 'column vec f32 \[5,2\] k="a b" unit=m' out
    grep -A3 '^column' out | tail -n 3 | head -n 1 | grep -qx '0.1 -0'
    # offsets go on counting over batches
    tns export -f npy --name ids.offsets data.tns | tail -c 32 | od -An -v -tu8 -w32 | tr -s ' ' | grep -qx ' 0 1 3 5'
    # tensors, called as their files are
    tns export -f npy --name vocab.count data.tns > vocab.count.npy
    tns import -f npy vocab.count.npy vec.npy > two.tns
    tns ls two.tns > list
    grep -Eq 'tensor +vocab.count +u64 +\[7\]' list
    grep -Eq 'tensor +vec +f32 +\[5,2\]' list
    tns import -f npy --name n - < vocab.count.npy | tns ls | grep -Eq 'tensor +n +u64'

    expect 65 tns export -f npy --name none data.tns
    grep -q "data.tns: there is no tensor or column 'none' (there is vocab.text.offsets" err
    expect 2 tns export -f npy data.tns
    expect 2 tns import -f npy < vec.npy
    expect 2 tns import -f npy --column --name a vec.npy vec.npy
    expect 2 tns import -f npy --meta novalue vec.npy
    expect 2 tns import -f nyp vec.npy
    grep -q "did you mean 'npy'" err
    expect 65 tns import -f npy data.tns
    grep -q 'data.tns: is not a NumPy array' err
    head -c 150 vec.npy > cut.npy
    expect 65 tns import -f npy cut.npy -o cut.tns
    grep -q 'cut.npy: the file ends after 22 of 40 bytes' err
    [ ! -e cut.tns ]
}

@test "misuse is named" {
    expect 2 tns
    grep -q 'operand is missing' err
    expect 2 tns lss
    grep -q "'lss' is no verb (did you mean 'ls'?)" err
    expect 2 tns ls --rtol 1 data.tns
    grep -q 'ls takes no --rtol' err
    expect 2 tns head -n 1 data.tns data.tns
    expect 2 tns ls --nonsense
    expect 0 tns --help
    for verb in ls text head slice cat verify cmp digest drop import export; do
        grep -q "^Usage: tns .*$verb" out
        grep -q "^  $verb .*" out
        # each is known: misused or reading nothing, but never "no verb"
        tns "$verb" --nonsense 2>&1 | grep -q 'unknown option'
        tns "$verb" < /dev/null 2>&1 | grep -q 'is no verb' && fail "$verb"
    done
    expect 0 tns --version
    expect 1 tns cat data.tns -o none/out.tns
    grep -q "does not exist" err
    expect 1 tns cat none.tns -o out.tns
    status=0
    tns cat data.tns > /dev/full 2> err || status=$?
    [ "$status" = 1 ]
    grep -q 'No space left' err
    status=0
    tns text data.tns > /dev/full 2> err || status=$?
    [ "$status" = 1 ]
    tns text data.tns > /dev/null
    # a reader that goes away: silence
    cp data.tns many.tns
    for _ in $(seq 11); do cat many.tns many.tns > more.tns && mv more.tns many.tns; done # more than a pipe holds
    { tns text many.tns 2> err || echo $? > status; } | head -n 1 > /dev/null
    [ "$(cat status)" = 141 ]
    [ ! -s err ]
}

@test "-o makes a file also when there is nothing to say, and is tried first" {
    printf 'segment profile=tensors\nend\n' | tns import > none.tns
    echo old > out.txt
    tns text --words none.tns -o out.txt
    [ -e out.txt ] && [ ! -s out.txt ]
    expect 1 tns verify -o nowhere/out none.tns
    mkfifo never # whoever opens it waits
    expect 1 timeout 5 tns digest never -o nowhere/out
    grep -q "the directory 'nowhere' does not exist" err
    expect 1 tns ls ""
    grep -q 'name of a file to read is empty' err
}
