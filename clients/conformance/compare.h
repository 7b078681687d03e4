// SPDX-License-Identifier: Apache-2.0
// Field by field: what was asked for against what came.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace postern::conformance {

// The paths of fields that 'expected' sets and 'got' does not have so, e.g.
// "message.spans[0].style". Lists must be whole. Fields that only 'got' has are its own business,
// but for those that say what happened also by their absence: that somebody stopped typing, that a
// message was unpinned. They count always, and so do those that 'also' names by their full names,
// e.g. "postern.v1.Chat.avatar_attachment_id".
std::vector<std::string> Differences(const google::protobuf::Message& expected,
                                     const google::protobuf::Message& got,
                                     const std::set<std::string>& also = {});

// The same for what the far end shows. Where nothing is expected (false, "", 0, [], {}) a field may
// be missing, and nothing else may be there. {"$contains": x} is a list with such an element,
// {"$lacks": x} one without.
std::vector<std::string> Differences(const nlohmann::ordered_json& expected,
                                     const nlohmann::ordered_json& got,
                                     const std::string& path = {});

}  // namespace postern::conformance
