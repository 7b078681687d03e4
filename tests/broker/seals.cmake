# SPDX-License-Identifier: Apache-2.0
# What is open and what is closed to apps, by itself.
postern_add_test(NAME broker_seal_book_test LABEL unit GRPC TIMEOUT 60
  SOURCES app_registry_test.cc seal_book_test.cc LIBRARIES postern_broker)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_seal_book_test PRIVATE -fPIC)

postern_add_test(NAME broker_erase_asks_test LABEL unit GRPC SOURCES erase_asks_test.cc LIBRARIES postern_broker)
target_compile_options(broker_erase_asks_test PRIVATE -fPIC)

postern_add_test(NAME broker_erasure_book_test LABEL unit GRPC SOURCES erasure_book_test.cc grant_news_test.cc
  LIBRARIES postern_broker)
target_compile_options(broker_erasure_book_test PRIVATE -fPIC)
