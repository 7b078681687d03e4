// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "postern/v1/scope.pb.h"

namespace postern::owner {

// What a scope opens, in the words of the consent question.
std::string ScopeSentence(v1::Scope scope);

}  // namespace postern::owner
