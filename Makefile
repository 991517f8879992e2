# Runnel. `make help` lists the targets.

VERSION = 0.1.0
VARIANT =# asan, tsan, grad, cover; empty: the build that is shipped
PREFIX  = /usr/local
O       = build$(if $(VARIANT),/$(VARIANT))

CC      = gcc
WARN    = -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wno-format-truncation
FLAGS   = -std=gnu11 -D_GNU_SOURCE -Ilib -DRUNNEL_VERSION='"$(VERSION)"' -pthread -fno-math-errno -ffp-contract=off
HARDEN  = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPTIMIZE       = -O2 $(HARDEN)
OPTIMIZE_asan  = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPTIMIZE_tsan  = -O1 -g -fsanitize=thread
OPTIMIZE_grad  = -O2 -DRUNNEL_DOUBLE $(HARDEN)
OPTIMIZE_cover = -O0 -g --coverage
CFLAGS  =
LDFLAGS =
COMPILE = $(CC) $(FLAGS) $(WARN) $(if $(VARIANT),$(OPTIMIZE_$(VARIANT)),$(OPTIMIZE)) $(MACHINE) $(CFLAGS) -MMD -MP
LINK    = $(CC) $(if $(VARIANT),$(OPTIMIZE_$(VARIANT)),$(OPTIMIZE) -pie -Wl,-z,relro,-z,now) -pthread $(LDFLAGS)

# A kernel file says by its name what it may use: gemm_avx512.c. Elsewhere than on x86-64 such files are empty.
X86 = $(filter x86_64,$(shell uname -m))
MACHINE = $(if $(X86),$(if $(findstring _avx2.c,$<),-mavx2 -mfma -mf16c -ffp-contract=fast)$(if \
	$(findstring _avx512,$<),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 \
	-ffp-contract=fast)$(if $(findstring _avx512bf16.c,$<), -mavx512bf16))$(if $(filter lib/math/%,$<), -O3)

# Libraries: all tools, and what one tool alone takes. (Recursive on purpose: asked only after `deps` has run.)
LIBS          = -ldeflate -lxxhash -lm
LIBS_tokenize = $(shell pkg-config --libs icu-uc icu-i18n)
LIBS_tns      = $(shell pkg-config --libs jansson)
LIBS_tns-plot = $(shell pkg-config --libs cairo pangocairo jansson)
LIBS_runnel   = $(shell pkg-config --libs yaml-0.1 jansson)

TOOLS   = $(sort $(basename $(notdir $(wildcard tools/*.c))))
UNITS   = $(sort $(basename $(notdir $(wildcard tests/unit/*.c))))
FUZZES  = $(sort $(basename $(notdir $(wildcard tests/fuzz/*.c))))
LIB_O   = $(patsubst %.c,$(O)/obj/%.o,$(sort $(wildcard lib/*/*.c)))
ARCHIVE = $(O)/librunnel.a

# Recipes show a short line, `make -s` nothing, `make V=1` the commands. What is built by one call is built in parallel.
SILENT = $(findstring s,$(firstword -$(MAKEFLAGS)))
SHOW   = $(if $(V),,@$(if $(SILENT),,printf '  %-4s %s\n' $(1) $(2);))
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
MAKE_ALL = $(MAKE) --no-print-directory $(JOBS)

.PHONY: all deps deps-check deps-demo deps-bench demo check test asan tsan grad valgrind lint cover fuzz bench man install help clean
.SECONDARY:
.DELETE_ON_ERROR:

## all: build the commands into build/bin (the default)
all: deps
	@$(MAKE_ALL) tools

tools: $(TOOLS:%=$(O)/bin/%)
	@:
units: $(UNITS:%=$(O)/unit/%) $(FUZZES:%=$(O)/fuzz/%)
	@:
.PHONY: tools units

$(O)/obj/lib/app/plot.o $(O)/obj/lib/app/plot_%.o $(O)/obj/tools/tns-plot.o: FLAGS += $(shell pkg-config --cflags cairo pangocairo)

$(O)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SHOW,CC,$<)$(COMPILE) -c $< -o $@

$(ARCHIVE): $(LIB_O)
	@rm -f $@
	$(call SHOW,AR,$@)$(AR) rcs $@ $(LIB_O)

$(O)/bin/%: $(O)/obj/tools/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call SHOW,LD,$@)$(LINK) $^ $(LIBS_$*) $(LIBS) -o $@

$(O)/unit/%: $(O)/obj/tests/unit/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call SHOW,LD,$@)$(LINK) $^ $(LIBS_tokenize) $(LIBS_runnel) -lcmocka $(LIBS) -o $@

# Without a fuzzer each target is a program that replays files; `make fuzz` builds them with libFuzzer.
$(O)/fuzz/%: $(O)/obj/tests/fuzz/%.o $(O)/obj/tests/fuzz/replay/main.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call SHOW,LD,$@)$(LINK) $^ $(LIBS_tokenize) $(LIBS_runnel) $(LIBS) -o $@

-include $(shell test -d $(O)/obj && find $(O)/obj -name '*.d')

# ---- What has to be installed, by the names of Debian 12 ---------------------------------------------------------

PACKAGES       = gcc libc6-dev make pkg-config libyaml-dev libdeflate-dev libxxhash-dev libicu-dev libjansson-dev \
		 libcairo2-dev libpango1.0-dev
PACKAGES_check = bats bats-assert bats-support libcmocka-dev python3-minimal procps unicode-data
PACKAGES_demo  = sword-text-kjv sword-text-sparv libsword-utils fortunes-zh unifont unicode-data hershey-fonts-data \
		 fonts-dejavu-core fonts-noto-cjk
PACKAGES_bench = python3-gensim fasttext python3-torch libopenblas0-pthread sword-text-kjv libsword-utils
PACKAGES_lint  = clang-format clang-tidy cppcheck shellcheck groff-base

# $(call install,PACKAGES): names what is missing and installs it; as root, through sudo otherwise, asking as apt asks when
# there is a terminal.
define install
	@if ! command -v dpkg-query >/dev/null; then \
	    echo "not a Debian system: these must be there: $(1)"; exit 0; fi; \
	missing=; for p in $(1); do \
	    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	echo "installing what is missing:$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; yes=; [ -t 0 ] || yes=-y; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$sudo apt-get $$yes install --no-install-recommends $$missing || \
	{ $$sudo apt-get update && $$sudo apt-get $$yes install --no-install-recommends $$missing; } || \
	{ echo "make deps: could not install:$$missing" >&2; exit 1; }
endef

## deps: install what building needs (Debian packages), saying what
deps:
	$(call install,$(PACKAGES))
deps-check: deps
	$(call install,$(PACKAGES_check))
deps-demo: deps
	$(call install,$(PACKAGES_demo))
deps-bench: deps
	$(call install,$(PACKAGES_bench))
deps-lint: deps
	$(call install,$(PACKAGES_lint))
.PHONY: deps-lint

# ---- Doing things with it ----------------------------------------------------------------------------------------

## demo: run the main pipeline on real text: vectors, a language model, an alignment, pictures
demo: all deps-demo
	@pipelines/demo

## check: install what the tests need, then pass every test
check: deps-check
	@$(MAKE_ALL) tools units
	@tests/run $(O)

## test: run every test (TESTS='tns stream' runs those named so)
test:
	@$(MAKE_ALL) tools units
	@tests/run $(O) $(TESTS)

## asan: the whole suite under AddressSanitizer and UBSan
asan: deps-check
	@$(MAKE) --no-print-directory test VARIANT=asan

## tsan: the whole suite under ThreadSanitizer
tsan: deps-check
	@$(MAKE) --no-print-directory test VARIANT=tsan

## grad: every derivative by central differences in double
grad: deps-check
	@$(MAKE_ALL) tools units VARIANT=grad
	@tests/run build/grad grad worked head spelling precision

## valgrind: the unit tests under memcheck
valgrind: units
	@for u in $(UNITS); do KERN_EVERY=9973 valgrind -q --error-exitcode=1 $(O)/unit/$$u || exit 1; done

## lint: formatting, clang-tidy, cppcheck, shellcheck, manual pages
lint: deps-lint
	@tests/lint

## cover: line coverage of the suite
cover: deps-check
	@$(MAKE) --no-print-directory test VARIANT=cover
	@gcov -n -o build/cover/obj $$(find build/cover/obj/lib -name '*.gcda') | \
	    awk '/^File/{f=$$2} /^Lines/{print $$2, f}' | grep "'lib/" | sort -t: -k2 -n

## fuzz: each parser under libFuzzer for SECONDS seconds (60)
SECONDS = 60
fuzz:
	@mkdir -p build/libfuzzer
	@set -e; for f in $(FUZZES); do \
	    clang $(FLAGS) -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/$$f.c \
	        $(filter-out lib/math/% lib/net/% lib/app/%,$(wildcard lib/*/*.c)) lib/app/pipeline*.c \
	        $(LIBS_runnel) $(LIBS_tokenize) $(LIBS) -o build/libfuzzer/$$f; \
	    mkdir -p build/libfuzzer/corpus-$$f; \
	    build/libfuzzer/$$f -max_total_time=$(SECONDS) -rss_limit_mb=512 build/libfuzzer/corpus-$$f \
	        $$(ls -d tests/fuzz/corpus/$$f 2>/dev/null || true); done

## bench: speed beside the peers, interleaved in one run
bench: all deps-bench
	@tests/bench/run

## man: the manual pages into build/man
MAN = $(patsubst tools/%,$(O)/man/man1/%,$(wildcard tools/*.1)) $(patsubst lib/data/%,$(O)/man/man5/%,$(wildcard lib/data/*.5))
man: all
	@$(MAKE_ALL) $(MAN)

# A page has a line OPTIONS-GO-HERE; the tool itself knows them.
$(O)/man/man1/%.1: tools/%.1 $(O)/bin/%
	@mkdir -p $(@D)
	@$(O)/bin/$* --help=man > $@.options
	@sed -e 's/@VERSION@/$(VERSION)/' -e '/^@OPTIONS@$$/{r $@.options' -e 'd}' $< > $@
	@rm -f $@.options

$(O)/man/man5/%.5: lib/data/%.5
	@mkdir -p $(@D)
	@sed 's/@VERSION@/$(VERSION)/' $< > $@

## install: commands, pages and completions below DESTDIR and PREFIX
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 755 $(TOOLS:%=$(O)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(O)/man/man1/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(O)/man/man5/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	for t in $(TOOLS); do \
	    $(O)/bin/$$t --help=bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$t || exit 1; \
	    $(O)/bin/$$t --help=zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$t || exit 1; done

## help: this list
help:
	@sed -n 's/^## /  make /p' Makefile

## clean: remove build/
clean:
	rm -rf build
