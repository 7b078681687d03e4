# SPDX-License-Identifier: Apache-2.0
postern_add_test(NAME broker_door_test LABEL behavior GRPC TIMEOUT 120
  SOURCES door_test.cc method_gate_test.cc rpc_status_test.cc
  LIBRARIES postern_broker OpenSSL::SSL OpenSSL::Crypto)
# The precompiled header is built for a library, and clang takes it only for the same kind of code.
target_compile_options(broker_door_test PRIVATE -fPIC)
