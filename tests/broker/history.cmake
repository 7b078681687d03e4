# SPDX-License-Identifier: Apache-2.0
# What is kept beside the log: the access history, and the time.
postern_add_test(NAME broker_access_history_test LABEL unit GRPC TIMEOUT 120
  SOURCES access_history_test.cc store_anchor_test.cc trusted_clock_test.cc
  LIBRARIES postern_broker postern_fakes)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_access_history_test PRIVATE -fPIC)
postern_add_test(NAME broker_search_test LABEL unit GRPC TIMEOUT 60
  SOURCES message_search_test.cc search_index_test.cc search_text_test.cc steady_read_test.cc
  LIBRARIES postern_broker)
target_compile_options(broker_search_test PRIVATE -fPIC)
