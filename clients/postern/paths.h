// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clients/owner/paths.h"

namespace postern::cli {

using owner::CheckSocketIsThere;
using owner::Paths;

}  // namespace postern::cli
