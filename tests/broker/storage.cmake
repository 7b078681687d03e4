# SPDX-License-Identifier: Apache-2.0
# The storage by itself, without gRPC: its tests build fast, and the thread sanitizer sees all of it.
set(storage_sources attachment_rows cipher_version database event_log high_water_file keyed_hash memory_tail message_index
  record_chain retention schema store word_rows)
list(TRANSFORM storage_sources PREPEND ${CMAKE_SOURCE_DIR}/broker/)
list(TRANSFORM storage_sources APPEND .cc)
add_library(postern_storage_for_tests STATIC ${storage_sources})
target_link_libraries(postern_storage_for_tests
  PUBLIC postern_platform absl::flat_hash_map absl::flat_hash_set PkgConfig::SQLCIPHER
  PRIVATE OpenSSL::Crypto)
# What the bench measures is compiled as it ships (tests/CMakeLists.txt).
target_compile_options(postern_storage_for_tests PRIVATE "$<$<CONFIG:RelWithDebInfo>:-O2>")
foreach(name store event_log high_water message_index retention storage_fault)
  postern_add_test(NAME broker_${name}_test LABEL unit SOURCES ${name}_test.cc
    LIBRARIES postern_storage_for_tests TIMEOUT 300)
endforeach()
target_sources(broker_store_test PRIVATE cipher_version_test.cc)
# Not a test: prints rates. See broker/on_disk.md.
add_executable(postern_log_bench log_bench.cc)
target_link_libraries(postern_log_bench PRIVATE postern_options postern_storage_for_tests)
