// SPDX-License-Identifier: Apache-2.0
#include "broker/utf8_mend.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// As deep as the contract nests, with room to grow; hostile nesting ends here.
constexpr int kDepthMax = 16;

// Returns the length of the valid UTF-8 sequence at the start of 'text', 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto follows = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

absl::Status Malformed() {
  return absl::InvalidArgumentError("the event is not a protobuf message");
}

void WriteBytesField(int number, std::string_view bytes, CodedOutputStream& out) {
  out.WriteTag(WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  out.WriteVarint32(static_cast<uint32_t>(bytes.size()));
  out.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

// Copies one serialised message of type 'type', mending its strings. A text with a raw_text beside
// it moves there.
absl::Status Mend(std::string_view bytes, const Descriptor& type, int depth,
                  std::string& out_bytes) {
  if (depth > kDepthMax) return Malformed();
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  StringOutputStream stream(&out_bytes);
  CodedOutputStream out(&stream);
  const FieldDescriptor* const raw_text = type.FindFieldByName("raw_text");
  while (const uint32_t tag = in.ReadTag()) {
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag, &out)) return Malformed();
      continue;
    }
    uint32_t length = 0;
    std::string value;
    if (!in.ReadVarint32(&length) || !in.ReadString(&value, static_cast<int>(length))) {
      return Malformed();
    }
    const FieldDescriptor* const field = type.FindFieldByNumber(number);
    if (field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE) {
      std::string mended;
      RETURN_IF_ERROR(Mend(value, *field->message_type(), depth + 1, mended));
      WriteBytesField(number, mended, out);
    } else if (field != nullptr && field->type() == FieldDescriptor::TYPE_STRING &&
               !IsValidUtf8(value)) {
      if (raw_text != nullptr && field->name() == "text") {
        WriteBytesField(raw_text->number(), value, out);
      } else {
        WriteBytesField(number, ReplaceInvalidUtf8(value), out);
      }
    } else {
      WriteBytesField(number, value, out);
    }
  }
  if (!in.ConsumedEntireMessage()) return Malformed();
  return absl::OkStatus();
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string mended;
  mended.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      mended += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      mended += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return mended;
}

absl::StatusOr<v1::Event> ParseEvent(std::string_view bytes) {
  v1::Event event;
  // Nearly every event is valid, so the mending walk waits for the first refusal. (Broker turns off
  // protobuf's own log line about it.)
  if (event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return event;
  std::string mended;
  RETURN_IF_ERROR(Mend(bytes, *v1::Event::descriptor(), 0, mended));
  if (!event.ParseFromString(mended)) return Malformed();
  event.add_flags(v1::EVENT_FLAG_INVALID_UTF8);
  return event;
}

}  // namespace postern::broker
