// SPDX-License-Identifier: Apache-2.0
// Questions to be answered, and an answer, for the tests of this folder.
#pragma once

#include "permissions/consent_question.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {

// Of an app, about three chats of two accounts.
inline ConsentQuestion Question() {
  ConsentQuestion question;
  question.question_id = "00112233445566778899aabbccddeeff";
  question.principal.sha256[0] = 1;
  question.claimed_name = "Übersetzer \"quoted\"";
  question.purpose = "Translates.";
  question.app_id = "org.example.translator";
  question.required_scopes = {Scope::kChatsRead, Scope::kMessagesRead};
  question.optional_scopes = {Scope::kMessagesHistory, Scope::kMessagesSend};
  question.destination = {DestinationKind::kLeavesDevice, "translate.example"};
  question.looks_like = {"Translator"};
  question.accounts = {{AccountNumber(1), "Bob", "xmpp"}, {AccountNumber(2), "Bob", "whatsapp"}};
  question.chats = {{ChatNumber(1), 0, "Alice", ChatType::kDirect},
                    {ChatNumber(2), 1, "Family", ChatType::kGroup},
                    {ChatNumber(3), 1, "Carol", ChatType::kDirect}};
  return question;
}

// Yes to one scope and two of the chats.
inline ConsentAnswer AnswerTo(const ConsentQuestion& question) {
  ConsentAnswer answer;
  answer.question_id = question.question_id;
  answer.question_sha256 = Sha256Of(question);
  answer.decision = ConsentDecision::kAllow;
  answer.given_name = "My translator";
  answer.scopes = {Scope::kMessagesRead};
  answer.chats = {0, 2};
  return answer;
}

// Whether to let it read for longer.
inline ConsentQuestion ExtendQuestion() {
  ConsentQuestion question = Question();
  question.kind = QuestionKind::kExtendGrant;
  question.required_scopes = {};
  question.optional_scopes = {};
  question.held_scopes = {Scope::kMessagesRead};
  question.held_until = kNow + absl::Hours(24);
  return question;
}

}  // namespace postern::permissions
