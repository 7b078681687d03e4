// SPDX-License-Identifier: Apache-2.0
// What seals and objections take out of what an app gets: marks in place of words that are
// withheld, and nobody where a person is sealed. Whether it applies is decided elsewhere
// (permissions/decide.h).
#pragma once

#include "broker/directory.h"
#include "broker/log_record.h"
#include "broker/seal_book.h"
#include "permissions/decide.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// What a decision about 'record' needs to know of its chat and of whose words it holds.
permissions::ObjectFacts ObjectFactsOf(const LogRecord& record, const Directory& directory);
// The same for a change of a message that the broker has not seen: where nobody is named, the
// writer can be anybody in the chat.
permissions::ObjectFacts ObjectFactsOfOrphan(const LogRecord& record, const Directory& directory);

// Leaves of an event which it is, where and when, and which message it is about: neither who nor
// what.
void Withhold(v1::Event& event);

// Takes sealed people out of events about a chat or about others. What they themselves say or do
// must not come here: it is not shown at all. Ids are in their internal form.
void HideSealedPeople(const LogRecord& record, const Directory& directory, v1::Event& event);
// The same for a chat.
void HideSealedPeople(const SealBook& seals, v1::Chat& chat);

// Takes the quoted message out of one that answers it, but for its id: also the lines that a
// network without replies, or a client beside them, puts before the text ("> ...").
void HideQuotation(v1::Message& message);

}  // namespace postern::broker
