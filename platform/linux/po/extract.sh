#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the template of all texts that postern-consent says (gettext's .pot).
#   extract.sh SOURCE_ROOT
set -eu
cd -- "$1"
xgettext --language=C++ --from-code=UTF-8 --package-name=postern --no-wrap --sort-by-file \
  --keyword --keyword=Text --keyword=CountText:1,2 --keyword=Sentence \
  --add-comments=Translators: --output=- \
  permissions/scope.cc platform/linux/*.h platform/linux/*.cc |
  sed -e 's/charset=CHARSET/charset=UTF-8/'
