#!/usr/bin/env bats
# The lecture's worked example of an Elman network, forward and backward through time, by the tools alone: its matrices are
# typed, imported as a model, and the tools' figures compared with figures computed elsewhere to nine digits.
#
#   s_t = tanh(U x_t + W s_{t-1} + b_s)     o_t = softmax(V s_t + b_o)     loss = sum_t -log o_t[target_t]

load helper

setup() {
    runnel_setup
    # 1e-6 absolute in float, 1e-6 relative in the double build
    if rnn-train --version | grep -q 'numbers: double'; then
        within=(--rtol 1e-6)
    else
        within=(--atol 1e-6)
    fi
    tns import -o model.tns <<'TEXT'
segment profile=model/rnn option.cell=elman option.activation=tanh
tensor rnn.0.input f64 [2,3]        # U
0.1 0.2 0.3
0.4 0.5 0.6
tensor rnn.0.recurrent f64 [2,2]    # W
0.1 0.2
0.3 0.4
tensor rnn.0.bias f64 [2]
0 0
tensor out.weight f64 [3,2]         # V
0.1 0.2
0.3 0.4
0.5 0.6
tensor out.bias f64 [3]
0 0 0
end
TEXT
    tns import -o data.tns <<'TEXT'
segment profile=vectors
batch 1
column vec.offsets u64 [2]
0 3
column vec f32 [3,3]
1 2 3
2 3 4
3 4 5
column target i64 [3] over=vec
0 2 1
end
TEXT
}

@test "states, probabilities and loss" {
    tns import -o expected.tns <<'TEXT'
segment profile=vectors
batch 1
column vec.offsets u64 [2]
0 3
column vec f32 [3,3]
1 2 3
2 3 4
3 4 5
column target i64 [3] over=vec
0 2 1
column state.0 f64 [3,2] over=vec
0.885351648 0.996682398
0.979612679 0.999956181
0.993938471 0.999997944
column prob f64 [3,3] over=vec
0.218340393 0.318130631 0.463528976
0.213075683 0.316575321 0.470348997
0.212306733 0.316340564 0.471352702
column loss f64 [3] over=vec
1.5217 0.754280314 1.15093591
end
TEXT
    rnn-predict --model model.tns --emit states,prob,loss data.tns -o got.tns
    run tns cmp "${within[@]}" got.tns expected.tns
    assert_success
    # a figure that is a little off is noticed
    run tns cmp --rtol 1e-12 got.tns expected.tns
    assert_failure 1

    expect 0 rnn-predict --model model.tns --score --text data.tns
    assert_equal "$(tail -1 out)" $'total\t3\t-3.426916\t3.133985'
}

@test "every gradient" {
    tns import -o expected.tns <<'TEXT'
segment profile=tensors
tensor loss f64 []
3.42691622
tensor grad.rnn.0.input f64 [2,3]
0.0435930636 0.0919263741 0.140259685
0.00161632642 0.00324523378 0.00487414115
tensor grad.rnn.0.recurrent f64 [2,2]
-0.00469215229 -0.00534657547
-1.13071249e-05 -1.275088e-05
tensor grad.rnn.0.bias f64 [2]
0.0483333105 0.00162890737
tensor grad.out.weight f64 [3,2]
-0.272292151 -0.353693729
-0.0877367376 -0.050021381
0.360028889 0.40371511
tensor grad.out.bias f64 [3]
-0.356277191 -0.0489534838 0.405230675
end
TEXT
    rnn-train --init model.tns --gradients got.tns data.tns
    run tns cmp "${within[@]}" got.tns expected.tns
    assert_success
    run tns cmp --rtol 1e-12 got.tns expected.tns
    assert_failure 1

    # with one step at a time the first minibatch is the first step
    rnn-train --init model.tns --bptt 1 --gradients first.tns data.tns
    tns text first.tns | awk '/^tensor loss/ { getline; exit !($1 > 1.521699 && $1 < 1.521701) }'
}

@test "the example is learned when it is trained on" {
    rnn-train --init model.tns --optimizer adam --lr 0.05 --epochs 300 -q -o learned.tns data.tns
    expect 0 rnn-predict --model learned.tns --text data.tns
    assert_equal "$(cat out)" "0 2 1"
}
