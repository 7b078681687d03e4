// SPDX-License-Identifier: Apache-2.0
// Grants, scopes, times and ends of streams in words.
#pragma once

#include <absl/time/time.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

#include "clients/owner/scope_sentence.h"
#include "clients/postern/terminal.h"
#include "postern/v1/grant.pb.h"
#include "postern/v1/manifest.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::cli {

using owner::ScopeSentence;

// "chats:read messages:read".
std::string ScopesText(const google::protobuf::RepeatedField<int>& scopes);
std::string StateText(v1::Grant::State state);
// "until revoked", "until 2026-12-01 10:00".
std::string ValidityText(const v1::Validity& validity);
// "all chats, also new ones", "3 chats".
std::string SelectionText(const v1::Selection& selection);
// "stays on this device", "leaves this device to translate.example".
std::string DestinationText(const v1::DataDestination& destination);

// Whether an app still owes a word on what it was asked to erase.
bool IsOpen(const v1::AppErasure& erasure);

// Local time to the minute; "never" when unset.
std::string TimeText(const google::protobuf::Timestamp& timestamp);

// "1 app", "3 apps".
std::string Counted(uint64_t count, const std::string& noun);

// Tells how far each live stream had come when an access ended.
void PrintStreamEnds(const google::protobuf::RepeatedPtrField<v1::StreamEnd>& ends,
                     Terminal& terminal);

}  // namespace postern::cli
