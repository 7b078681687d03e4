# SPDX-License-Identifier: Apache-2.0
# The XMPP bridge: needs prosody, the chain also profanity and libpurple. With POSTERN_BRIDGE_EVENTS=1000 the kill
# test does ten times as much: ./dev soak.
if(TARGET postern_xmpp_bridge)
  math(EXPR bridge_timeout "600 * ${postern_slowdown}")
  postern_add_test(NAME xmpp_bridge_styling_test LABEL unit
    SOURCES xmpp_bridge_styling_test.cc LIBRARIES postern_xmpp_bridge)
  postern_add_test(NAME xmpp_bridge_component_test LABEL behavior TIMEOUT 120
    SOURCES xmpp_bridge_component_test.cc LIBRARIES postern_xmpp_bridge)
  foreach(name xmpp_bridge_real_test xmpp_bridge_kill_test xmpp_bridge_chain_test)
    add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    # One Prosody at a time, as in tests/real.
    set_tests_properties(${name} PROPERTIES LABELS real TIMEOUT ${bridge_timeout} RESOURCE_LOCK prosody COST 50
      ENVIRONMENT "POSTERN_BIN=${CMAKE_BINARY_DIR}/bin")
  endforeach()
  if(POSTERN_SANITIZER STREQUAL "address")
    # As for the tests with the real client in tests/real.
    set_tests_properties(xmpp_bridge_chain_test PROPERTIES
      ENVIRONMENT_MODIFICATION "ASAN_OPTIONS=string_append::fast_unwind_on_malloc=0")
  endif()
endif()
