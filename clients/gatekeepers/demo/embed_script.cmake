# SPDX-License-Identifier: Apache-2.0
# Turns INPUT into a C++ source that returns its text.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "// Made from default_script.txt by embed_script.cmake.
#include \"clients/gatekeepers/demo/script.h\"

namespace postern::demo {

std::string_view DefaultScript() {
  return R\"script(${text})script\";
}

}  // namespace postern::demo
")
