#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints a catalogue that is English written backwards, for looking at the window as people see it
# whose language is written from right to left. Made from the template; no such language exists.
#   pseudo.sh SOURCE_ROOT
set -eu
right_to_left=$(printf '\342\200\217\342\200\256')
end=$(printf '\342\200\254\342\200\217')
"$(dirname -- "$0")/extract.sh" "$1" |
  msginit --no-translator --locale=en_US.UTF-8 --no-wrap --input=- --output-file=- 2>/dev/null |
  msgfilter --keep-header --no-wrap sed -e '/^default:LTR$/{s//default:RTL/;b' -e '}' -e '/^%/b' \
    -e "s/[A-Za-z][A-Za-z']*/$right_to_left&$end/g"
