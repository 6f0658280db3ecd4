#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The lint finds what it is for: one fault at a time in a small checkout, and none in a clean one.
set -euo pipefail

lint=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lint
IOMMUCHECK_LINT_ROOT=$(mktemp -d)
export IOMMUCHECK_LINT_ROOT
trap 'rm -rf "$IOMMUCHECK_LINT_ROOT"' EXIT
cd "$IOMMUCHECK_LINT_ROOT"

tag=SPDX-License-Identifier:
faults=0

# expect CHECK pass|fail WHAT: what the check must say about the directory.
expect() {
  local verdict=pass code=0
  bash "$lint" "$1" >out.log 2>&1 || code=$?
  if [[ $code == 77 ]]; then
    echo "skipped: $3"
    rm out.log
    return
  fi
  ((code == 0)) || verdict=fail
  if [[ $verdict != "$2" ]]; then
    echo "FAILED: lint $1 should $2: $3"
    cat out.log
    faults=1
  fi
  rm out.log
}

clean() {
  rm -rf ./*
  printf '// %s MIT\nint x = 1;\n' "$tag" >a.cc
  printf '<!-- %s MIT -->\n# Title\n' "$tag" >a.md
  printf '#!/bin/sh\n# %s MIT\ntrue\n' "$tag" >script
  printf '{}\n' >data.json
}

clean
for check in spdx paths licences; do expect "$check" pass "a clean checkout"; done
printf 'int x;\n' >b.h
expect spdx fail "a header without a licence"
clean
printf '#!/bin/sh\ntrue\n' >tool
expect spdx fail "a script without a suffix and without a licence"
clean
printf '// Copied from a file with %s MIT in it\n' "$tag" >b.h
expect spdx fail "a licence that is only spoken of"
clean
printf 'see /%s/alice/linux\n' home >>a.md
expect paths fail "a home directory"
clean
printf 'log in %s/build\n' "$PWD" >>a.md
expect paths fail "the checkout's own path"
clean
printf 'see ~/linux and spec/home/x and https://host.example/home/index.html\n' >>a.md
expect paths pass "harmless paths"
clean
printf '/* %s %s-2.0 */\n' "$tag" GPL >>a.cc
expect licences fail "a kernel file's licence line"
clean
printf 'MODULE_LICENSE("%s v2");\n' GPL >>a.cc
expect licences fail "a module's licence"
clean
printf 'BasedOnStyle: Google\n' >.clang-format
expect format pass "formatted code"
printf 'int   y=2 ;\n' >>a.cc
expect format fail "code that is not formatted"

exit "$faults"
