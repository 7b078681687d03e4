// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "postern/v1/message.pb.h"

namespace postern::broker {

// What a message says, for the loop guard to know it again: its text, or what stands in place of
// one: a poll's question and answers, a place, a card, hashes of files. Empty when there is
// nothing.
std::string LoopWords(const v1::Message& message);

}  // namespace postern::broker
