# SPDX-License-Identifier: Apache-2.0
# The bytes of files on the disk.
postern_add_test(NAME broker_attachment_store_test LABEL unit GRPC TIMEOUT 60
  SOURCES attachment_store_test.cc LIBRARIES postern_broker postern_fakes)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_attachment_store_test PRIVATE -fPIC)
