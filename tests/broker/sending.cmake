# SPDX-License-Identifier: Apache-2.0
# What stands between an app and the gatekeeper.
postern_add_test(NAME broker_sending_test LABEL unit GRPC TIMEOUT 60
  SOURCES awaited_results_test.cc capabilities_test.cc command_id_test.cc loop_guard_test.cc loop_words_test.cc
    pending_sends_test.cc request_ledger_test.cc send_limits_test.cc
  LIBRARIES postern_broker postern_fakes)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_sending_test PRIVATE -fPIC)
