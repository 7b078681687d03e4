# SPDX-License-Identifier: Apache-2.0
# Asking the person, and telling them.
postern_add_test(NAME broker_consent_desk_test LABEL behavior GRPC TIMEOUT 120
  SOURCES consent_desk_test.cc owner_notices_test.cc program_watch_test.cc
  LIBRARIES postern_broker postern_fakes)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_consent_desk_test PRIVATE -fPIC)
postern_add_test(NAME broker_notifier_test LABEL contract SOURCES notifier_test.cc
  LIBRARIES postern_broker postern_fakes)
