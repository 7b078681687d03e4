// SPDX-License-Identifier: Apache-2.0
// The words that go into chats: who reads along, how to object, and what came of it. Short, plain,
// one line each; names in them are cleaned.
#pragma once

#include <string>
#include <string_view>

#include "broker/chat_audience.h"

namespace postern::broker {

// Two words that nobody writes by chance. A person answers a notice with the first to object, and
// with the second to take that back.
inline constexpr std::string_view kObjectionWord = "NO APPS";
inline constexpr std::string_view kConsentWord = "APPS OK";
// Apps that one notice names; of more it says how many.
inline constexpr size_t kNoticeAppsMax = 5;

// Tells of the apps in 'named', of which there is at least one, and how to object.
std::string NoticeOf(const Audience& named);
// Tells that the apps told of before are gone; 'left' are those that can still see the chat.
std::string NoticeOfEnd(const Audience& left);
// Answers an objection, and its taking back.
std::string ObjectionTaken();
std::string ObjectionTakenBack();
// Tells that the user opened what a person had objected to.
std::string ObjectionOverruled();
// What stands under a message that an app sent.
std::string AttributionOf(const AudienceApp& app);

// What a message says about apps, as a whole: letter case, space around it, and the marks that
// people put at the end of a word do not matter.
enum class ObjectionAnswer { kNone, kObject, kTakeBack };
ObjectionAnswer AnswerIn(std::string_view text);

}  // namespace postern::broker
