#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the template of all texts that postern-settings says (gettext's .pot). What scopes are
# called is in the catalogue of the consent question, which says the same.
#   extract.sh SOURCE_ROOT
set -eu
cd -- "$1"
xgettext --language=C++ --from-code=UTF-8 --package-name=postern --no-wrap --sort-by-file \
  --keyword --keyword=Tr --keyword=TrLater --keyword=TrCount:1,2 \
  --keyword=FailedPreconditionError --add-comments=Translators: --output=- \
  clients/owner/owner_key.cc clients/owner/owner_secrets.cc clients/settings/*.h clients/settings/*.cc |
  sed -e 's/charset=CHARSET/charset=UTF-8/'
