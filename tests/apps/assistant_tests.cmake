# SPDX-License-Identifier: Apache-2.0
postern_add_test(NAME assistant_words_test LABEL unit SOURCES assistant_words_test.cc LIBRARIES postern_assistant)

# The clients come from npm, once, into build/tools/mcp.
foreach(name assistant_real_test assistant_injection_test assistant_scopes_test)
  add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  set_tests_properties(${name} PROPERTIES LABELS real TIMEOUT ${app_timeout}
    ENVIRONMENT "POSTERN_BIN=${CMAKE_BINARY_DIR}/bin")
endforeach()
set_tests_properties(assistant_real_test PROPERTIES COST 40)
