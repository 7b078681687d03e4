// SPDX-License-Identifier: Apache-2.0
// Prints the hostile texts as a question would hold them, one JSON object a line, for
// tests/consent/window_test.py.
#include <iostream>
#include <nlohmann/json.hpp>

#include "permissions/display_text.h"
#include "tests/permissions/hostile_texts.h"

int main() {
  using namespace postern::permissions;
  for (const HostileText& hostile : HostileTexts()) {
    const std::string name = CleanName(hostile.text);
    const nlohmann::json line = {{"kind", hostile.kind},
                                 {"name", name},
                                 {"purpose", CleanPurpose(hostile.text)},
                                 {"looks_like", LooksLike(name, AllowedNames())},
                                 {"mixed_script", IsMixedScript(name)}};
    std::cout << line.dump() << '\n';
  }
}
