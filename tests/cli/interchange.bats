#!/usr/bin/env bats
# Foreign formats as a user meets them: safetensors, PyTorch's recurrent networks, tables of numbers. What each parser reads
# and refuses in detail, the units test.

load helper

setup() { runnel_setup; }

# A safetensors file on standard output: JSON, then f32 values, each a word.
#   safetensors JSON VALUE...
safetensors() {
    perl -e '$json = shift; binmode STDOUT; print pack("Q<", length $json), $json, pack("f<*", @ARGV)' -- "$@"
}

# An LSTM of one unit over two inputs, and a head of two classes.
lstm() {
    safetensors '{"__metadata__":{"from":"here"},
        "rnn.weight_ih_l0":{"dtype":"F32","shape":[4,2],"data_offsets":[0,32]},
        "rnn.weight_hh_l0":{"dtype":"F32","shape":[4,1],"data_offsets":[32,48]},
        "rnn.bias_ih_l0":{"dtype":"F32","shape":[4],"data_offsets":[48,64]},
        "rnn.bias_hh_l0":{"dtype":"F32","shape":[4],"data_offsets":[64,80]},
        "fc.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[80,88]},
        "fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[88,96]}}' \
        .1 .2 .3 .4 .5 .6 .7 .8 -.1 -.2 -.3 -.4 .25 .5 .75 1 .125 .125 .125 .125 1 -1 .5 -.5
}

@test "safetensors both ways, plainly" {
    tns import -o all.tns <<'TEXT'
segment profile=model/x option.a="b c" hop.0000="maker 1"
tensor byte u8 [3]
1 2 3
tensor words utf8 [4] level=word
"爱 "
tensor wide f64 [2,2]
0.1 nan
-0 1e300
tensor half bf16 [1,2]
1 2
tensor yes bool []
1
tensor none f32 [0,7]
end
TEXT
    tns export --format safetensors all.tns -o all.safetensors
    head -c 9 all.safetensors | tail -c 1 | grep -q '{'
    [ "$(($(od -An -tu8 -N8 all.safetensors) % 8))" = 0 ]
    grep -aqF '"__metadata__":{"option.a":"b c","profile":"model/x","words":"utf8","words[level]":"word"}' all.safetensors
    grep -aqF '"half":{"dtype":"BF16","shape":[1,2],"data_offsets":[32,36]}' all.safetensors
    tns import --format safetensors < all.safetensors > back.tns
    tns cmp all.tns back.tns
    tns import --format safetensors --profile p --meta a=b --drop 'w*' --rename byte=b --rename none=group.none all.safetensors > other.tns
    tns ls other.tns > out
    grep -q '^head .*a=b .*profile=p$' out
    grep -Eq '^tensor +b +u8' out
    grep -Eq '^tensor +group.none ' out
    grep -q 'words\|wide' out && fail "not left out"

    # through a slow pipe, cut, lengthened
    { head -c 100 all.safetensors; sleep 0.2; tail -c +101 all.safetensors; } | tns import -f safetensors | tns cmp all.tns -
    head -c -1 all.safetensors | expect 65 tns import -f safetensors
    grep -q "^tns: standard input: '[a-z]*': the file ends after" err
    head -c 100 all.safetensors > cut.safetensors
    expect 65 tns import -f safetensors cut.safetensors -o cut.tns
    grep -q '^tns: cut.safetensors: header: the file ends after' err
    [ ! -e cut.tns ]
    { cat all.safetensors; echo; } | expect 65 tns import -f safetensors
    grep -q 'something follows' err
    echo 'this is some text, not a file of tensors' | expect 65 tns import -f safetensors
    grep -q 'is it safetensors?' err
    safetensors '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}' 1 2 |
        expect 65 tns import -f safetensors
    grep -q "'a' and 'b' overlap" err

    # what does not fit into it
    printf 'segment profile=x\nbatch\ncolumn a u8 [1]\n1\nend\n' | tns import > items.tns
    expect 65 tns export -f safetensors items.tns -o items.safetensors
    grep -q 'it has items' err
    cat all.tns all.tns | expect 65 tns export -f safetensors
    grep -q 'more than one segment' err
    expect 2 tns import -f safetensors --rename a all.safetensors
    expect 2 tns import -f safetensors --rename byte=yes all.safetensors
    grep -q "two tensors would be called 'yes'" err
    expect 2 tns import -f safetensors --vocab all.tns all.safetensors
    expect 2 tns import -f safetensors --column all.safetensors
    grep -q -- '--format safetensors takes no --column' err
    expect 2 tns export -f safetensors --header yes all.tns
}

@test "an LSTM under PyTorch's names is a model, and back" {
    lstm > lstm.safetensors
    tns import -f safetensors lstm.safetensors -o lstm.tns
    tns ls lstm.tns > out
    grep -q '^head .*from=here .*inputs=vectors .*option.cell=lstm option.hidden=1 option.layers=1 ' out
    grep -Eq '^tensor +rnn.0.recurrent +f32 +\[4,1\]$' out
    tns text lstm.tns | grep -A1 'rnn.0.bias' | grep -qx '0.375 0.625 0.875 1.125'
    tns text lstm.tns | grep -A1 'out.bias' | grep -qx '0.5 -0.5'

    # it works: h = o tanh(i g), the first step worked out by hand
    printf '1,2\n' | tns import -f csv > x.tns
    rnn-predict --model lstm.tns --emit states x.tns > y.tns
    tns export -f csv --name state.0 y.tns > h
    perl -e 'sub sigmoid { 1 / (1 + exp -$_[0]) } sub tanh { 2 * sigmoid(2 * $_[0]) - 1 }
        $h = sigmoid(2.3 + 1.125) * tanh(sigmoid(.5 + .375) * tanh(1.7 + .875)); exit(abs($h - <>) > 1e-6)' h

    # bit for bit, with and without a prefix
    tns export -f safetensors lstm.tns -o back.safetensors
    grep -aqF '"weight_ih_l0":{"dtype":"F32","shape":[4,2]' back.safetensors
    tns import -f safetensors back.safetensors | tns cmp lstm.tns -
    tns export -f safetensors --prefix encoder.lstm lstm.tns > prefixed.safetensors
    grep -aqF '"encoder.lstm.bias_hh_l0"' prefixed.safetensors
    tns import -f safetensors prefixed.safetensors | tns cmp lstm.tns -
    tns import -f safetensors --naming plain prefixed.safetensors | tns ls | grep -Eq 'tensor +encoder.lstm.weight_ih_l0 '
    tns export -f safetensors --naming plain lstm.tns | tns import -f safetensors | tns cmp lstm.tns -

    # without a head; what has no place; NaN
    tns import -f safetensors --drop 'fc.*' lstm.safetensors | tns ls > out
    grep -q out.weight out && fail "a head where none is"
    expect 65 tns import -f safetensors --drop fc.bias lstm.safetensors
    grep -q "lstm.safetensors: a tensor has no place in the network: fc.weight (--drop" err
    tns import -f safetensors --drop fc.bias --rename fc.=out. lstm.safetensors | tns text | grep -A1 out.bias | grep -qx '0 0'
    lstm | sed 's/weight_hh_l0/weight_hr_l0/' | expect 65 tns import -f safetensors
    grep -q "there is no 'rnn.weight_hh_l0'" err
    expect 65 tns import -f safetensors --naming torch --drop '*_ih_*' lstm.safetensors
    grep -q 'there is no recurrent network' err
    expect 2 tns import -f safetensors --nonlinearity relu lstm.safetensors
    safetensors '{"weight_ih_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"weight_hh_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}' 1 nan > nan.safetensors
    expect 65 tns import -f safetensors nan.safetensors
    grep -q "nan.safetensors: 'weight_hh_l0' holds NaN in row 0, column 0" err
    tns import -f safetensors --naming plain nan.safetensors | tns verify

    # relu is remembered
    safetensors '{"weight_ih_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"weight_hh_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}' 1 2 > elman.safetensors
    tns import -f safetensors elman.safetensors | tns ls | grep -q option.activation=tanh
    tns import -f safetensors --nonlinearity relu elman.safetensors > relu.tns
    tns ls relu.tns | grep -q option.activation=relu
    tns export -f safetensors relu.tns | tns import -f safetensors | tns cmp relu.tns -
}

@test "an embedding wants the words it stands for" {
    printf 'a b\nb a\n' | tokenize > words.tns # <pad> <unk> <s> </s> a b
    language_model() { # the head's six weights
        safetensors '{"encoder.weight":{"dtype":"F32","shape":[6,1],"data_offsets":[0,24]},
            "rnn.weight_ih_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[24,28]},
            "rnn.weight_hh_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[28,32]},
            "decoder.weight":{"dtype":"F32","shape":[6,1],"data_offsets":[32,56]},
            "decoder.bias":{"dtype":"F32","shape":[6],"data_offsets":[56,80]}}' \
            1 2 3 4 5 6 .1 .2 "$@" 0 0 0 0 0 0
    }
    language_model 6 5 4 3 2 1 > words.safetensors
    language_model 1 2 3 4 5 6 > twice.safetensors
    expect 2 tns import -f safetensors words.safetensors
    grep -q "'encoder.weight' has 6 rows: which words they are says --vocab FILE" err
    tns import -f safetensors --vocab words.tns words.safetensors -o model.tns
    tns ls model.tns > out
    grep -q 'inputs=ids' out
    grep -Eq '^tensor +vocab.text +utf8' out
    grep -Eq '^tensor +embedding +f32 +\[6,1\]$' out
    grep -q "parent=$(tns digest words.tns | cut -c 1-32)" out
    rnn-predict --model model.tns --score words.tns > /dev/null
    tns export -f safetensors model.tns > back.safetensors
    grep -aqF '"embedding.weight"' back.safetensors
    grep -aq 'vocab' back.safetensors && fail "words have no place there"
    tns import -f safetensors --vocab model.tns back.safetensors | tns cmp model.tns -
    tns import -f safetensors --vocab words.tns --task tag words.safetensors | tns ls | grep -q 'option.task=tag .*targets=step-class'
    # a head that is the words' vectors, whether it stands there twice or once
    tns import -f safetensors --vocab words.tns twice.safetensors > tied.tns
    tns ls tied.tns | grep -q option.tied=yes
    tns ls tied.tns | grep -q embedding && fail "words' vectors twice"
    rnn-predict --model tied.tns --score words.tns > /dev/null
    tns export -f safetensors tied.tns > back.safetensors
    grep -aqF '"embedding.weight"' back.safetensors
    tns import -f safetensors --vocab words.tns back.safetensors | tns cmp tied.tns -
    tns import -f safetensors --vocab words.tns --drop encoder.weight twice.safetensors | tns cmp tied.tns -
    tns import -f safetensors --vocab words.tns --task tag twice.safetensors | tns ls | grep -Eq '^tensor +embedding'

    printf 'a b c\n' | tokenize > more.tns
    expect 65 tns import -f safetensors --vocab more.tns words.safetensors
    grep -q 'it reads 6 ids, but the vocabulary of more.tns has 7 words' err
    expect 1 tns import -f safetensors --vocab none.tns words.safetensors
    tns import -f safetensors --drop encoder.weight words.safetensors | tns ls | grep -q 'inputs=vectors'
}

@test "cells that PyTorch lacks are refused by name" {
    model() { # cell, rows, more
        printf 'segment profile=model/rnn option.cell=%s %s\n' "$1" "$3"
        printf 'tensor rnn.0.input f32 [%d,1]\n%s\n' "$2" "$(seq "$2")"
        printf 'tensor rnn.0.recurrent f32 [%d,1]\n%s\n' "$2" "$(seq "$2")"
        printf 'tensor rnn.0.bias f32 [%d]\n%s\nend\n' "$2" "$(seq "$2")"
    }
    model gru 3 | tns import > gru.tns
    expect 65 tns export -f safetensors gru.tns -o gru.safetensors
    grep -q "^tns: gru.tns: PyTorch has no cell 'gru': it has lstm, gru-reset-after" err
    [ ! -e gru.safetensors ]
    tns export -f safetensors --naming plain gru.tns | tns import -f safetensors | tns cmp gru.tns -
    model lstm-peephole 4 | tns import | expect 65 tns export -f safetensors
    model elman 1 option.activation=sigmoid | tns import | expect 65 tns export -f safetensors
    grep -q "no cell 'elman' with sigmoid" err
    model elman 1 option.activation=relu | tns import | tns export -f safetensors > /dev/null
    # biases of another length than the cell's
    model gru-reset-after 3 | tns import | expect 65 tns export -f safetensors
    grep -q "'rnn.0.bias' is f32\[3\] where reals \[4\] are due" err
    # the state of training stays behind, what is unknown does not
    model lstm 4 | sed 's/^end/tensor opt.step u64 []\n3\nend/' | tns import | tns export -f safetensors | grep -a opt.step && fail
    model lstm 4 | sed 's/^end/tensor start.weight f32 [1]\n3\nend/' | tns import | expect 65 tns export -f safetensors
    grep -q "'start.weight' has no counterpart" err
}

@test "tables of numbers are series" {
    printf 'day;low;"high"\n2001-01-01;1;2\n2001-01-02;1.5;2.5\n\n2001-02-01;-1;0\n' > prices.csv
    tns import -f csv --columns low,high --target-columns 3 prices.csv -o prices.tns
    tns text prices.tns > out
    tail -n +2 out > table
    diff - table <<'TEXT'
batch 2
column vec.offsets u64 [3]
0 2 3
column vec f32 [3,2]
1 2
1.5 2.5
-1 0
column continued bool [2]
0 0
column target f32 [3,1] over=vec
2
2.5
0
end status=complete
TEXT
    grep -q '^segment hop.0000="tns [0-9.]* import --format=csv" profile=vectors$' out
    expect 65 tns import -f csv prices.csv
    grep -qx "tns: prices.csv:2:1: field 1 ('day'): '2001-01-01' is not a finite number" err
    tns import -f csv --columns low --item-column day prices.csv | tns ls | grep -q 'items=3 '
    sed 's/1.5//' prices.csv | expect 65 tns import -f csv --columns 2-3
    grep -q "^tns: standard input:3:12: field 2 ('low') is empty" err
    expect 65 tns import -f csv --target-columns close prices.csv -o none.tns
    grep -q "prices.csv:1: --target-columns: there is no column 'close' (there are day, low, high)" err
    [ ! -e none.tns ]

    # back to text, and from another table's numbers
    tns export -f csv --name vec prices.tns > back.csv
    printf '1,2\n1.5,2.5\n\n-1,0\n' | cmp - back.csv
    tns export -f csv --name target --header yes --separator tab prices.tns | head -n 2 | tr '\n' ' ' | grep -qx 'target 2 '
    tns import -f csv --column --name feature back.csv | tns ls | grep -Eq 'column +feature +f32 +\[3,2\]$'

    # the same from an array
    tns export -f npy --name vec prices.tns -o rows.npy
    tns import -f npy --series rows.npy | tns ls > out
    grep -Eq '^column +vec.offsets +u64 +\[2\]$' out
    grep -q '^head .*profile=vectors' out
    expect 2 tns import -f npy --series --column rows.npy
    expect 2 tns import -f npy --columns 1 rows.npy
    expect 2 tns export -f csv prices.tns
    expect 65 tns export -f csv --name nothing prices.tns
}
