// SPDX-License-Identifier: Apache-2.0
// The files that people send in rows. The same number makes the same file: what a run found can be
// found again.
#pragma once

#include <cstdint>

#include "clients/conformance/door.h"

namespace postern::conformance {

OfferedFile MakePicture(uint64_t number);
OfferedFile MakeFilm(uint64_t number);

}  // namespace postern::conformance
