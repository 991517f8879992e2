# runnel: run, plan and lint, by pipelines of ordinary programs. What runs by the runner also runs as a script.

load helper

setup() {
    runnel_setup
    seq 1 30000 > in.txt
}

# Runs the pipeline p.yaml by the runner, keeps what it made in `made`, then as a script under two shells: all make the same.
each_way() {
    expect 0 runnel run p.yaml "$@"
    mv out printed
    rm -rf made
    mkdir made
    for file in $makes; do
        cp "$file" made && rm "$file"
    done
    expect 0 runnel plan --sh p.yaml "$@"
    mv out script
    for shell in sh bash; do
        expect 0 "$shell" script
        cmp out printed
        for file in $makes; do
            cmp "$file" "made/${file##*/}"
            rm "$file"
        done
    done
    assert_equal "$(find . -name '.runnel-*')" ""
}

# Waits until a command succeeds.
until_true() {
    for _ in $(seq 200); do
        if "$@"; then return 0; fi
        sleep 0.05
    done
    fail "never true: $*"
}

has_children() { # pid, how many at least
    [ "$(pgrep -c -P "$1")" -ge "$2" ]
}

# No process has the mark in its command line.
nobody_left() {
    until_true bash -c "! pgrep -f '$1' > left"
}

@test "lint finds everything that is wrong at once, each with its place" {
    cat > p.yaml <<'END'
pipeline: 1
parms: {a: 1}
params: {dim: 3, fd:x: 4}
inputs: {text: in.txt, text: other.txt}
stages:
  tok: {run: "tr a b | sort", in: txet}
  w2v: {run: "train ${dmi} ${w2v} ${tok} ${text.log}", in: tok, out: in.txt, colour: red}
  vec: {run: [a, [b]], in: vec2}
  vec2: {run: "a 'b", in: vec}
  9x: {run: "a ${out}", early: maybe}
  dup: {run: a, out: x, files: {dim: y, tok: x}}
  bad: {in: [a]}
END
    expect 65 runnel lint p.yaml
    run cat err
    assert_line "runnel: p.yaml:2:1: unknown key 'parms' in a pipeline (did you mean 'params'?)"
    assert_line --partial "p.yaml:3:18: 'fd:x' cannot be a name"
    assert_line --partial "p.yaml:4:24: key 'text' stands here a second time (first on line 4)"
    assert_line --partial "p.yaml:6:14: '|' in the command: no shell is started"
    assert_line --partial "p.yaml:6:35: there is no input or stage 'txet' (did you mean 'text'?)"
    assert_line --partial "p.yaml:7:14: \${dmi} is no param, input, stage or file of this stage (did you mean 'dim'?)"
    assert_line --partial "p.yaml:7:14: stage 'tok' is a stream and has no file (give it out: FILE, or use \${fd:tok})"
    assert_line --partial "p.yaml:7:14: \${text.log} is no param"
    assert_line --partial "p.yaml:7:70: 'in.txt' is the input 'text'"
    assert_line --partial "p.yaml:7:78: unknown key 'colour' in a stage"
    assert_line --partial "p.yaml:8:18: a word of run must be text, not a list"
    assert_line --partial "p.yaml:8:3: stage 'vec' needs itself: vec2 -> vec -> vec2"
    assert_line --partial "p.yaml:9:15: a ' has no partner"
    assert_line --partial "p.yaml:10:3: '9x' cannot be a name"
    assert_line --partial "p.yaml:10:13: \${out} in a stage without out"
    assert_line --partial "p.yaml:10:32: 'early' is ok or no, not 'maybe'"
    assert_line --partial "p.yaml:11:38: file 'dim' of stage 'dup' has the name of a param, input or stage"
    assert_line --partial "p.yaml:11:46: 'x' is written by stage 'dup' too"
    assert_line --partial "p.yaml:12:13: 'in' must be text, not a list"
    assert_line --partial "p.yaml:12:3: stage 'bad' has no run: COMMAND"

    printf 'pipeline: 2\nstages: {}\n' > p.yaml
    expect 65 runnel run p.yaml
    assert grep -q "p.yaml:1:11: 'pipeline: 2' is a format this runnel does not know" err
    assert grep -q "p.yaml: no stages" err
}

@test "files that are no pipelines are refused" {
    refused() { # what the message holds
        expect 65 runnel lint p.yaml
        if ! grep -qF -- "$1" err; then fail "no '$1' in: $(cat err)"; fi
    }
    : > p.yaml
    refused 'nothing is in it'
    head -c 1000000 /dev/zero | tr '\0' '[' > p.yaml
    refused 'p.yaml:1:33: nested deeper than 32 levels'
    head -c 1000000 /dev/zero | tr '\0' '{' > p.yaml
    refused 'p.yaml:1:'
    head -c 1000000 /dev/zero | sed 's/\x0/- /g' > p.yaml
    refused 'larger than'
    head -c 200000 /dev/zero | sed 's/\x0/- /g' > p.yaml
    refused 'deeper'
    head -c 1048577 /dev/zero | tr '\0' ' ' > p.yaml
    refused 'larger than 1048576 bytes'
    seq 1 40000 | sed 's/.*/- \&a& x/' > p.yaml
    refused 'p.yaml:1:3: anchors are not allowed'
    printf 'a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n' > p.yaml
    refused 'p.yaml:2:8: aliases are not allowed'
    seq 1 20000 | sed 's/.*/k&: v/' > p.yaml
    refused 'more than 10000 values'
    seq 1 40000 | sed 's/.*/%TAG !a&! x/' > p.yaml
    refused 'p.yaml:1:1: directives'
    printf 'a: 1\n--- \nb: 2\n' > p.yaml
    refused 'p.yaml:2:1: a second document'
    printf 'pipeline: !!int 1\n' > p.yaml
    refused 'p.yaml:1:11: tags are not allowed'
    printf 'a: "x\n' > p.yaml
    refused 'p.yaml:2:1: found unexpected end of stream'
    printf 'a: \xff\n' > p.yaml
    refused 'p.yaml: '
    printf 'a: "\\0"\n' > p.yaml
    refused 'NUL'
    printf '? [a]\n: b\n' > p.yaml
    refused 'a key must be text'
    printf -- '- a\n' > p.yaml
    refused 'a pipeline is a map, not a list'
    printf 'pipeline: 1\nstages: {a: {run: "\\e[31m |"}, "\\e[31mb": {run: a}}\n' > p.yaml
    refused '\x1B[31mb'

    expect 1 runnel lint missing.yaml
    assert grep -q 'missing.yaml: No such file' err
    expect 1 runnel lint .
    assert grep -q 'is a directory' err
}

@test "streams, tees, spools and second streams give what the programs give" {
    cat > p.yaml <<'END'
pipeline: 1
params: {first: 3, name: "it's $HOME; \"x\""}
inputs: {text: in.txt}
stages:
  tok: {run: "sed s/1/one/", in: text}
  sorted: {run: [sh, -c, 'sort -r | tee "$1"', x, "${copy}"], in: tok, out: made.d/sorted.txt, files: {copy: made.d/deep/copy.txt}}
  top: {run: [sh, -c, 'head -n "$1" "$2" > "$3"; echo not in the file', x, "${first}", "${sorted}", "${out}"], out: made.d/top.txt}
  both: {run: "cat - ${fd:sorted} ${fd:text}", in: tok}
  count: {run: "wc -l", in: tok, out: made.d/count}
  length: {run: "wc -c", in: both, out: made.d/length.txt}
  late: {run: "awk -v f=${top} 'BEGIN { while ((getline l < f) > 0) print l } { print }'", in: tok}
  join: {run: "paste - ${fd:late}", in: tok}
  end: {run: "tail -n 4", in: join, out: "made.d/end-${first}.txt"}
  print: {run: ["printf", '%s\n', "${name}", '$${x}', "${sorted.copy}"]}
END
    makes='made.d/count made.d/sorted.txt made.d/deep/copy.txt made.d/top.txt made.d/length.txt made.d/end-3.txt'
    each_way
    sed s/1/one/ in.txt | sort -r > sorted
    cmp sorted made/sorted.txt
    head -n 3 sorted > top
    sed s/1/one/ in.txt | paste - <(cat top <(sed s/1/one/ in.txt)) | tail -n 4 | cmp - made/end-3.txt
    assert_equal "$(cat made/length.txt)" "$(($(sed s/1/one/ in.txt | wc -c) + $(wc -c < sorted) + $(wc -c < in.txt)))"
    run cat printed
    assert_output "not in the file
it's \$HOME; \"x\"
\${x}
made.d/deep/copy.txt"

    expect 0 runnel plan p.yaml
    run cat out
    assert_output --partial 'tee to '
    assert_output --partial 'spool to late: late needs a file that top makes only later'
    assert_output --partial 'spool to join: join runs together with late'
    assert_output --partial '3< made.d/sorted.txt 4< in.txt'
    expect 0 runnel plan p.yaml --dot
    assert grep -q '"tok" -> "late" \[style=dashed' out
    assert grep -q '"sorted.out" -> "both"' out
}

@test "two ways from one stage to another do not wait for each other" {
    seq 1 400000 > in.txt # more than all pipes hold
    cat > p.yaml <<'END'
pipeline: 1
inputs: {text: in.txt}
stages:
  a: {run: cat, in: text}
  b: {run: cat, in: a}
  c: {run: "cat - ${fd:b}", in: a}
  d: {run: cksum, in: c, out: sum}
END
    makes=sum
    each_way
    assert_equal "$(cat made/sum)" "$(cat in.txt in.txt | cksum)"
    expect 0 runnel plan p.yaml
    assert grep -q 'spool to c: c reads a by two ways that could wait for each other' out
}

@test "what is up to date is skipped, what changed runs again, and nothing else" {
    mkdir -p here/bin
    printf '#!/bin/sh\ncat\n' > here/bin/copy
    chmod +x here/bin/copy
    mv in.txt here
    cat > here/p.yaml <<'END'
pipeline: 1
params: {n: 5}
inputs: {text: in.txt}
stages:
  tok: {run: ./bin/copy, in: text}
  a: {run: "head -n ${n}", in: tok, out: made/a}
  b: {run: "awk -f prog.awk", in: tok, out: made/b}
  c: {run: "wc -l", in: a, out: made/c}
END
    echo '{ print }' > here/prog.awk
    ran() { # stages that ran
        expect 0 runnel run here/p.yaml "${@:2}"
        assert_equal "$(sed -n 's/^runnel: \(.*\): done.*/\1/p' err | tr '\n' ' ' | sed 's/ $//')" "$1"
    }
    ran 'tok, a, b c'
    before=$(stat -c '%i %y' here/made/*)
    ran ''
    assert_equal "$(stat -c '%i %y' here/made/*)" "$before"
    ran 'tok, a c' n=6        # not b, although it hangs on the same stream
    ran 'tok, a c' n=5
    touch here/in.txt
    ran ''                    # the bytes count
    echo '{ print $1 }' > here/prog.awk
    ran 'tok, b'
    echo '# other' >> here/bin/copy
    ran 'tok, a, b'           # a came out as before: c is left alone
    echo more >> here/in.txt
    ran 'tok, a, b'
    echo x > here/made/a
    ran 'tok, a'
    rm here/made/c
    ran 'c'
    ran 'tok, a, b c' --force
    ran 'tok, a c' c n=7      # a stage and what it needs
    ran 'tok, a, b c' --directory elsewhere
    ran '' --directory elsewhere
    cmp here/made/b elsewhere/made/b
    seq 3 > small
    ran 'tok, a, b c' --directory elsewhere text=small
    assert_equal "$(cat elsewhere/made/c)" 3
    expect 0 runnel run here/p.yaml tok text=small
    assert_equal "$(cat out)" "$(cat small)"

    run cat here/.runnel/p/a.json
    assert_output --partial '"command": "head -n 7"'
    assert_output --partial '"outcome": "done"'
    assert_output --partial '"status": 0'
    assert_output --partial '"seconds": '
    assert_output --partial '"peak_memory_bytes": '
    assert_output --partial '"bytes_in": '
    assert_output --partial '"bytes_out": 14'
    assert_output --partial '"recipe": "'
    assert_output --partial '"path": "made/a"'
}

@test "a stage that fails anywhere leaves every file as it was" {
    cat > p.yaml <<'END'
pipeline: 1
params: {fails: b}
inputs: {text: in.txt}
stages:
  a: {run: "./fail ${fails} a 3 ${side}", in: text, files: {side: side}}
  b: {run: "./fail ${fails} b 4", in: a}
  c: {run: "./fail ${fails} c 5", in: b, out: res/c}
  d: {run: "./fail ${fails} d 6", in: a, out: res/d}
END
    printf '#!/bin/sh\n[ -z "$4" ] || echo side > "$4"\n[ $1 != $2 ] || { head -n 100; echo warm >&2; echo "$2: broke" >&2; exit $3; }\ncat\n' > fail
    chmod +x fail
    mkdir res
    echo old > res/c
    for stage in 'a 3' 'b 4' 'c 5' 'd 6'; do
        expect "${stage#* }" runnel run p.yaml "fails=${stage% *}"
        run cat err
        assert_line --index 0 "${stage% *}: warm"
        assert_line --index 1 --regexp "^runnel: p.yaml:[5-8]:3: stage '${stage% *}' ended with status ${stage#* }: ${stage% *}: broke \(log: .runnel/p/${stage% *}.log\)$"
        assert_equal "${#lines[@]}" 2
        expect 0 runnel plan --sh p.yaml "fails=${stage% *}"
        mv out script
        for shell in sh bash; do
            expect "${stage#* }" "$shell" script
            assert grep -q "script: stage '${stage% *}' ended with status ${stage#* }" err
        done
        assert_equal "$(cat res/c)" old
        assert_equal "$(ls -A res)" c
        assert [ ! -e side ]
    done
    assert grep -q '"outcome": "failed"' .runnel/p/d.json
    expect 0 runnel run p.yaml fails=none
    cmp res/c in.txt
    cmp res/d in.txt
    assert_equal "$(cat side)" side

    # a stage that ends well and does not write its file; one that cannot start; a script no kernel takes
    printf 'pipeline: 1\nstages:\n  a: {run: "true ${out}", out: x}\n' > p.yaml
    expect 1 runnel run p.yaml
    assert grep -q "p.yaml:3:3: stage 'a': ended well but has not written 'x'" err
    expect 0 runnel plan --sh p.yaml
    mv out script
    expect 1 sh script
    assert grep -q "stage 'a' ended well but has not written 'x'" err
    echo nothing > script
    chmod +x script
    printf 'pipeline: 1\nstages:\n  a: {run: ./script, out: x}\n  b: {run: sleep 60, out: y}\n' > p.yaml
    expect 1 runnel run p.yaml
    run cat err
    assert_output --partial "stage 'a': cannot start ./script: no program of this system"
    printf 'pipeline: 1\nstages:\n  a: {run: echo, out: /dev/full}\n' > p.yaml
    expect 1 runnel run p.yaml
    assert grep -q 'No space left' err
}

@test "what is missing is told before anything starts" {
    mkdir dir
    cat > p.yaml <<'END'
pipeline: 1
inputs: {text: nowhere.txt, other: dir}
stages:
  first: {run: "touch ${out}", out: ran}
  a: {run: nonesuch, in: text}
  b: {run: "./nonesuch ${other}", in: a, out: x}
END
    expect 1 runnel run p.yaml
    run cat err
    assert_line "runnel: p.yaml:2:16: input 'text': nowhere.txt: No such file or directory"
    assert_line --partial "p.yaml:2:36: input 'other': dir: is a directory"
    assert_line --partial "p.yaml:5:3: stage 'a': there is no program 'nonesuch' on PATH"
    assert_line --partial "p.yaml:6:3: stage 'b': there is no program './nonesuch' (is it executable?)"
    assert [ ! -e ran ]
    expect 0 runnel run p.yaml first
    assert [ -e ran ]

    expect 2 runnel run p.yaml frist
    assert grep -q "no stage 'frist' (did you mean 'first'?)" err
    expect 2 runnel run p.yaml txt=x
    assert grep -q "'txt=x' sets neither a param nor an input of the pipeline (did you mean 'text'?)" err
    expect 2 runnel rum p.yaml
    assert grep -q "'rum' is no verb (did you mean 'run'?)" err
    expect 2 runnel run p.yaml --dot
    assert grep -q "run takes no --dot" err
    expect 2 runnel plan p.yaml --dot --sh
    expect 2 runnel lint --force p.yaml
    expect 2 runnel lint
    expect 1 runnel run p.yaml first --directory in.txt
}

@test "a reader that has enough is no failure, unless it must read everything" {
    cat > p.yaml <<'END'
pipeline: 1
stages:
  endless: {run: yes}
  upper: {run: tr y Y, in: endless}
  few: {run: "head -n 2", in: upper, early: ok, out: few.txt}
END
    makes=few.txt
    each_way
    assert_equal "$(cat made/few.txt)" $'Y\nY'
    sed -i 's/early: ok/early: no/' p.yaml
    expect 1 runnel run p.yaml
    assert grep -q "stage 'few' ended well before it had read all of 'upper' (early: no)" err
    assert [ ! -e few.txt ]
    expect 0 runnel plan --sh p.yaml
    mv out script
    expect 141 sh script
    assert [ ! -e few.txt ]

    # a file of its own may be cut short when SIGPIPE comes
    printf 'pipeline: 1\nstages:\n  a: {run: "tee ${side} /dev/stdout", in: z, files: {side: side}}\n  b: {run: head -n 1, in: a, out: x}\n  z: {run: yes}\n' > p.yaml
    expect 141 runnel run p.yaml
    assert grep -q "stage 'a' was killed by SIGPIPE, since its reader ended" err
    assert [ ! -e x ]
}

@test "status 69 is a consequence, status 75 is passed on" {
    cat > p.yaml <<'END'
pipeline: 1
params: {cause: 65}
stages:
  a: {run: [sh, -c, 'echo x; sleep 0.2; echo "a: bad" >&2; exit $1', x, "${cause}"]}
  b: {run: [sh, -c, 'read x; exit 69'], in: a}
  c: {run: [sh, -c, 'cat; exit 69'], in: b, out: x}
END
    expect 65 runnel run p.yaml
    assert grep -q "stage 'a' ended with status 65: a: bad" err
    expect 69 runnel run p.yaml cause=0
    assert grep -q "stage 'b' ended with status 69" err
    expect 75 runnel run p.yaml cause=75
    assert grep -q "stage 'a' stopped after a checkpoint (run again to resume)" err
    assert [ ! -e x ]
    assert grep -q '"status": 69' .runnel/p/c.json
}

@test "SIGKILL of any stage: one cause, the others end, nothing appears, and a second run completes" {
    local pause=61.$$ # a mark that no other run of these tests has
    printf 'pipeline: 1\nparams: {pause: %s}\n' $pause > p.yaml
    cat >> p.yaml <<'END'
stages:
  a: {run: [sh, -c, 'trap "" TERM; echo a; sleep "$1"', x, "${pause}"]}
  b: {run: [sh, -c, 'cat; sleep "$1" & wait', x, "${pause}"], in: a}
  c: {run: [sh, -c, 'echo s > "$2"; sleep "$1"; cat', x, "${pause}", "${side}"], in: b, out: made/c, files: {side: made/side}}
END
    for n in 1 2 3; do
        runnel run p.yaml > out 2> err &
        runner=$!
        until_true has_children $runner 4
        until_true pgrep -f "[s]leep $pause" > /dev/null
        stage=$(pgrep -P $runner -x sh | sed -n "${n}p") # in the order they were started
        kill -KILL "$stage"
        status=0
        wait $runner || status=$?
        assert_equal $status 137
        name=$(echo a b c | cut -d' ' -f$n)
        assert_equal "$(cat err)" "runnel: p.yaml:$((n + 3)):3: stage '$name' was killed by SIGKILL (log: .runnel/p/$name.log)"
        nobody_left "[s]leep $pause"
        assert_equal "$(ls -A made)" ""
    done
    expect 0 runnel run p.yaml pause=0
    assert_equal "$(cat made/c)" a
    rm -r made

    # the script as well
    expect 0 runnel plan --sh p.yaml
    mv out script
    for shell in sh bash; do
        "$shell" script > out 2> err &
        runner=$!
        until_true [ -s "made/.runnel-$runner-3_1/side" ]
        kill -KILL "$(cat "${TMPDIR:-/tmp}/runnel-$runner/pid-2")"
        status=0
        wait $runner || status=$?
        assert_equal $status 137
        assert grep -q "script: stage 'b' ended with status 137" err
        nobody_left "[c] x $pause"
        assert_equal "$(ls -A made)" ""
        assert [ ! -e "${TMPDIR:-/tmp}/runnel-$runner" ]
    done
}

@test "a runner that is stopped or killed leaves no process and no file" {
    local pause=62.$$
    printf 'pipeline: 1\nstages:\n  a: {run: sleep %s}\n  b: {run: sh -c "cat; sleep %s", in: a, out: made/b}\n' $pause $pause > p.yaml
    for signal in TERM INT KILL; do
        # an interactive shell's child: one started by `&` would ignore SIGINT
        python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
            runnel run p.yaml > out 2> err &
        runner=$!
        until_true has_children $runner 3
        if [ $signal = TERM ]; then
            expect 1 runnel run p.yaml
            assert grep -q "runnel: .runnel/p/lock: the pipeline is being run by process $runner (wait for it)" err
        fi
        kill -$signal $runner
        status=0
        wait $runner || status=$?
        assert_equal $((status - 128)) "$(kill -l $signal)"
        nobody_left "[s]leep $pause"
        assert [ ! -e made/b ]
    done
    # what the killed one has left behind goes with the next run
    assert [ -n "$(find made -name '.runnel-*')" ]
    sed -i "s/$pause/0/g" p.yaml
    expect 0 runnel run p.yaml
    assert_equal "$(ls -A made)" b

    # a trainer that writes a checkpoint when it is told to stop
    printf 'pipeline: 1\nstages:\n  a: {run: [sh, -c, "trap \\"echo saved > $1; exit 75\\" TERM; while :; do sleep 0.1; done", x, "${ckpt}"], out: made/a, keep: {ckpt: kept/ckpt}}\n' > p.yaml
    runnel run p.yaml > out 2> err &
    runner=$!
    until_true has_children $runner 2
    sleep 0.2
    kill -TERM $runner
    status=0
    wait $runner || status=$?
    assert_equal $status 75
    assert grep -q "stopped after a checkpoint (run again to resume)" err
    assert_equal "$(cat kept/ckpt)" saved
    # which the next run finds, and which is gone when it has succeeded
    sed -i 's/while :; do sleep 0.1; done/cat $1/' p.yaml
    expect 0 runnel run p.yaml
    assert_equal "$(cat made/a)" saved
    assert [ ! -e kept/ckpt ]
}

@test "values are words, never shell text" {
    mkdir w
    cat > p.yaml <<'END'
pipeline: 1
params: {v: x}
stages:
  list: {run: [printf, '<%s>', "${v}", "-${v}-", '', '$v', "`x`"], out: list}
  line: {run: "printf '<%s>' ${v} -\"${v}\"- '' '${v}' a\\ b \"\\$v\" $v $$ *", out: line}
END
    makes='list line'
    for value in 'a b' '$(touch w/x)' '`touch w/x`' "'; touch w/x; '" '"' '\' $'two\nlines' '-n' '*' '${v}' ''; do
        each_way "v=$value"
        assert_equal "$(cat made/list; echo .)" "<$value><-$value-><><\$v><\`x\`>."
        assert_equal "$(cat made/line; echo .)" "<$value><-$value-><><\${v}><a b><\$v><\$v><\$\$><*>."
    done
    assert_equal "$(ls w)" ""
    expect 0 runnel run p.yaml "v=$(head -c 100000 /dev/zero | tr '\0' v)"
    assert_equal "$(wc -c < list)" $((200000 + 17))
    expect 0 runnel run p.yaml "v=a=b"
    assert grep -qF '<a=b>' list
}

@test "help, and the options of the manual page" {
    expect 0 runnel --help
    assert grep -q -- '--directory' out
    expect 0 runnel --help=man
    expect 0 runnel --version
    expect 2 runnel run p.yaml --fource
    assert grep -q "did you mean '--force'" err
}
