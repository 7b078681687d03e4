#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails when a text of postern-settings is not translated, or a translation is doubtful.
#   check.sh SOURCE_ROOT
set -eu
here=$(dirname -- "$0")
template=$(mktemp)
trap 'rm -f -- "$template"' EXIT
"$here/extract.sh" "$1" >"$template"
for translation in "$here"/*.po; do
  said=$(msgmerge --quiet --no-fuzzy-matching "$translation" "$template" --output-file=- |
    LC_ALL=C msgfmt --check --statistics --output-file=/dev/null - 2>&1)
  printf '%s: %s\n' "$translation" "$said"
  case $said in *untranslated* | *fuzzy*) exit 1 ;; esac
done
