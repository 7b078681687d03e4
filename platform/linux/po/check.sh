#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every catalogue has a translation of every text that the sources say, nothing fuzzy, and puts in
# the same values as the English text does.
#   check.sh SOURCE_ROOT
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
template=$(mktemp)
trap 'rm -f -- "$template"' EXIT
"$here/extract.sh" "$1" >"$template"
failed=0
for catalogue in "$here"/*.po; do
  # Names a text that is missing, or not translated.
  msgcmp "$catalogue" "$template" || failed=1
  statistics=$(LC_ALL=C msgfmt --check --statistics --output-file=/dev/null "$catalogue" 2>&1) || failed=1
  echo "$(basename -- "$catalogue"): $statistics"
  case $statistics in
    *untranslated* | *fuzzy*) failed=1 ;;
  esac
  # The numbers of what is put in, of each text and of its translation.
  # shellcheck disable=SC2016 # the inner shell expands them
  msgexec --input="$catalogue" sh -c '
    values() { grep -o "[$][0-9]" | sort -u | tr -d "\n"; }
    text=$(printf %s "$MSGEXEC_MSGID" | values)
    translation=$(values)
    [ -z "$MSGEXEC_MSGID" ] || [ "$text" = "$translation" ] ||
      { echo "puts in other values: $MSGEXEC_MSGID" >&2; exit 1; }' || failed=1
done
exit "$failed"
