// SPDX-License-Identifier: Apache-2.0
// The words of the consent question for each scope. Clients do not link the broker's decisions, so
// they stand here a second time; a test in tests/clients holds the two equal.
#include "clients/owner/scope_sentence.h"

namespace postern::owner {

std::string ScopeSentence(v1::Scope scope) {
  switch (scope) {
    case v1::SCOPE_CHATS_READ:
      return "See the chats, their names and who is in them";
    case v1::SCOPE_MESSAGES_METADATA:
      return "See who writes when and how much, but not what";
    case v1::SCOPE_MESSAGES_READ:
      return "Read new messages";
    case v1::SCOPE_MESSAGES_HISTORY:
      return "Read older messages";
    case v1::SCOPE_MESSAGES_SEARCH:
      return "Search the messages it may read";
    case v1::SCOPE_ATTACHMENTS_READ:
      return "Open pictures and files";
    case v1::SCOPE_CONTACTS_READ:
      return "See your contacts and what they call themselves";
    case v1::SCOPE_CONTACTS_IDENTIFY:
      return "See real phone numbers and addresses";
    case v1::SCOPE_REACTIONS_READ:
      return "See reactions to messages";
    case v1::SCOPE_RECEIPTS_READ:
      return "See when messages are delivered and read";
    case v1::SCOPE_TYPING_READ:
      return "See who is typing";
    case v1::SCOPE_PRESENCE_READ:
      return "See who is online";
    case v1::SCOPE_CALLS_READ:
      return "See who calls and when, but not hear it";
    case v1::SCOPE_EPHEMERAL_READ:
      return "Read disappearing and view-once messages";
    case v1::SCOPE_MESSAGES_DRAFT:
      return "Leave drafts for you to send";
    case v1::SCOPE_MESSAGES_SEND_ASK:
      return "Send messages as you, after you confirm each one";
    case v1::SCOPE_MESSAGES_REPLY:
      return "Send messages as you where someone wrote in the last 24 hours";
    case v1::SCOPE_MESSAGES_SEND:
      return "Send messages as you";
    case v1::SCOPE_MESSAGES_EDIT_OWN:
      return "Edit messages it sent as you";
    case v1::SCOPE_MESSAGES_DELETE_OWN:
      return "Delete messages it sent as you";
    case v1::SCOPE_REACTIONS_WRITE:
      return "React to messages as you";
    case v1::SCOPE_ATTACHMENTS_WRITE:
      return "Send pictures and files as you";
    case v1::SCOPE_RECEIPTS_WRITE:
      return "Mark messages as read for you";
    case v1::SCOPE_TYPING_WRITE:
      return "Show that you are typing";
    case v1::SCOPE_CHATS_CREATE:
      return "Start chats as you";
    case v1::SCOPE_CHATS_WRITE:
      return "Change chats as you: names, members, timers";
    case v1::SCOPE_FORWARD:
      return "Pass messages on to another network";
    case v1::SCOPE_EXPORT:
      return "Take out copies of messages, with proof of where they are from";
    default:
      return "Something this version of Postern does not know";
  }
}

}  // namespace postern::owner
