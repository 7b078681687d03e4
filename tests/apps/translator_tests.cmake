# SPDX-License-Identifier: Apache-2.0
# The translator: needs apertium-eng-spa.
postern_add_test(NAME translator_engine_test LABEL real TIMEOUT 120
  SOURCES translator_engine_test.cc LIBRARIES postern_translator)
postern_add_test(NAME translator_skipped_test LABEL unit
  SOURCES translator_skipped_test.cc translator_interpreter_test.cc translator_advice_test.cc LIBRARIES postern_translator)
foreach(name translator_real_test translator_loop_test translator_scopes_test translator_remote_test)
  add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  set_tests_properties(${name} PROPERTIES LABELS real TIMEOUT ${app_timeout}
    ENVIRONMENT "POSTERN_BIN=${CMAKE_BINARY_DIR}/bin")
endforeach()
