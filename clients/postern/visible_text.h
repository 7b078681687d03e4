// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clients/owner/visible_text.h"

namespace postern::cli {

using owner::DisplayWidth;
using owner::Shortened;
using owner::VisibleText;

}  // namespace postern::cli
