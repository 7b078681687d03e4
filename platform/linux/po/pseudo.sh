#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints a catalogue that is English written backwards, for looking at the window as people see it
# whose language is written from right to left. Made from the template; no such language exists.
#   pseudo.sh SOURCE_ROOT
set -eu
here=$(dirname -- "$0")
# Each word between marks that turn it around. What is put in ($0) stays as it is.
right_to_left=$(printf '\342\200\217\342\200\256')
end=$(printf '\342\200\254\342\200\217')
"$here/extract.sh" "$1" |
  msginit --no-translator --locale=en_US.UTF-8 --no-wrap --input=- --output-file=- 2>/dev/null |
  msgfilter --keep-header --no-wrap sed -e '/^ltr$/{s//rtl/;b' -e '}' \
    -e "s/[A-Za-z][A-Za-z']*/$right_to_left&$end/g"
