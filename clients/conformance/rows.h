// SPDX-License-Identifier: Apache-2.0
// What an adapter is tried with: one row for each thing that a chat does, in each direction. Data
// only: the runner plays it.
//
// Events and commands are in protobuf's text form. A word with a '$' is filled in (words.h):
//   $self $peer $member $newcomer   people, $direct $group  chats: as the far end names them
//   $m                              a message id that no row had before
//   $theirs, $ours                  a message of the peer, of ours, made for this row in its chat
//   $poll                           a poll of the peer, made for this row
//   $file $size $sha $sha64         a file made for this row, and what is true of it
//   $file2                          the same file under a second name
//   $upload $upload2                what the adapter called that file when it took it, twice
//   $video $videosha $videosha64    what the adapter called a film, and what is true of it
//   $theirfile                      a file that the peer sent for this row
//   $result                         the message, chat or draft that a command's result names
//   $dayago $hourago $inaday        times, in seconds since 1970; $inadaytext: the last one in JSON
//   $oldtext $oldsender $oldtime    of the newest message that is only in older history: as the far
//                                   end names them
#pragma once

#include <set>
#include <string>
#include <vector>

namespace postern::conformance {

enum class Direction {
  kIn,   // the far end does it, and the adapter says so
  kOut,  // the adapter is told to do it, and the far end sees it
};

struct Row {
  // Unique.
  std::string name;
  Direction direction = Direction::kIn;
  // The field of ChatCapabilities that says whether a chat carries it; empty where none does.
  std::string capability;
  // kIn: the postern.v1.Event that the far end brings about, which is also what must come.
  // kOut: the postern.v1.Command.
  std::string what;
  // kOut: what the far end shows then, as JSON; see README.md. Empty: only the answer counts.
  std::string seen = {};
  // kOut: the event that comes back, under the command's id where it made a message. Empty: none
  // has to.
  std::string echo = {};
  // What has to have happened: an event of the far end (kIn), without which the row is not tested,
  // or a command (kOut). Not judged.
  std::string before = {};
  // Fields that count in the event although it does not set them: see Differences.
  std::set<std::string> also = {};
};

// All rows, in the order they are played: none needs another one.
const std::vector<Row>& Rows();

// The nouns' own.
std::vector<Row> MessageRows();
std::vector<Row> SendRows();
std::vector<Row> ChatRows();
std::vector<Row> PeopleRows();

}  // namespace postern::conformance
