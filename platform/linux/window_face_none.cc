// SPDX-License-Identifier: Apache-2.0
// For builds without GTK: there is only the terminal.
#include "platform/linux/consent_face.h"

namespace postern::platform {

FaceResult AskInWindow(const FaceInput&) { return {FaceResult::Kind::kUnavailable, {}}; }

}  // namespace postern::platform
