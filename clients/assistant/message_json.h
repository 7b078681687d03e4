// SPDX-License-Identifier: Apache-2.0
// What the contract says, as the JSON that a model reads: only what is there, texts cleaned.
#pragma once

#include <nlohmann/json.hpp>

#include "postern/v1/chat.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::assistant {

using Json = nlohmann::ordered_json;

// 'text_bytes_max': longer texts are cut, and say so.
Json MessageJson(const v1::Message& message, size_t text_bytes_max);
Json ChatJson(const v1::Chat& chat);
Json ParticipantJson(const v1::Participant& participant);
Json ContactJson(const v1::Contact& contact);

}  // namespace postern::assistant
