# SPDX-License-Identifier: Apache-2.0
# The CRM app: needs tryton-server and tryton-modules-party.
foreach(name crm_real_test crm_kill_test crm_scopes_test)
  add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  set_tests_properties(${name} PROPERTIES LABELS real TIMEOUT ${app_timeout}
    ENVIRONMENT "POSTERN_BIN=${CMAKE_BINARY_DIR}/bin")
endforeach()
set_tests_properties(crm_real_test PROPERTIES COST 50)  # or the last of all runs alone
postern_add_test(NAME crm_parts_test LABEL unit SOURCES crm_parts_test.cc LIBRARIES postern_crm)
