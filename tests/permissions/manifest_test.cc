// SPDX-License-Identifier: Apache-2.0
#include "permissions/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace postern::permissions {
namespace {

Manifest Translator() {
  Manifest manifest;
  manifest.app_id = "org.example.translator";
  manifest.display_name = "Translator";
  manifest.purpose = "Translates what others write.";
  manifest.required_scopes = {Scope::kMessagesRead};
  manifest.optional_scopes = {Scope::kMessagesSend};
  manifest.data_destination = {DestinationKind::kStaysOnDevice, ""};
  return manifest;
}
Manifest Adapter() {
  Manifest manifest = Translator();
  manifest.role = Role::kGatekeeper;
  manifest.required_scopes = manifest.optional_scopes = {};
  manifest.networks = {"xmpp"};
  return manifest;
}

struct Bad {
  std::string field;
  std::function<void(Manifest&)> spoil;
};

void ExpectRefused(const Manifest& good, const std::vector<Bad>& cases) {
  for (const Bad& bad : cases) {
    Manifest manifest = good;
    bad.spoil(manifest);
    const absl::Status status = ValidateManifest(manifest);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.field;
    EXPECT_EQ(std::string(status.message()).rfind(bad.field + ": ", 0), 0u) << status;
  }
}

TEST(Manifest, RefusesWhatIsMalformedNamingTheField) {
  std::vector<Bad> cases = {
      {"display_name", [](Manifest& m) { m.display_name = ""; }},
      {"display_name", [](Manifest& m) { m.display_name = "\u200b\u202e \n"; }},
      {"display_name", [](Manifest& m) { m.display_name = std::string(10'000, 'x'); }},
      {"purpose", [](Manifest& m) { m.purpose = " "; }},
      {"data_destination.kind", [](Manifest& m) { m.data_destination = {}; }},
      {"data_destination.service",
       [](Manifest& m) {
         m.data_destination = {DestinationKind::kLeavesDevice, ""};
       }},
      {"data_destination.service",
       [](Manifest& m) {
         m.data_destination = {DestinationKind::kLeavesDevice, "a b"};
       }},
      {"data_destination.service", [](Manifest& m) { m.data_destination.service = "x.example"; }},
      {"software_version", [](Manifest& m) { m.software_version = "1\n2"; }},
      {"data_destination.service",
       [](Manifest& m) {
         m.data_destination = {DestinationKind::kLeavesDevice, std::string(254, 'x')};
       }},
      {"data_destination.service",
       [](Manifest& m) {
         m.data_destination = {DestinationKind::kLeavesDevice, "x\x7f"};
       }},
      {"homepage", [](Manifest& m) { m.homepage = "javascript:alert(1)"; }},
      {"homepage", [](Manifest& m) { m.homepage = "https://a b"; }},
      {"homepage", [](Manifest& m) { m.homepage = "https://" + std::string(200, 'x'); }},
      {"role", [](Manifest& m) { m.role = Role::kOwner; }},
      {"role", [](Manifest& m) { m.role = static_cast<Role>(0); }},
      {"required_scopes", [](Manifest& m) { m.required_scopes = m.optional_scopes = {}; }},
      {"optional_scopes", [](Manifest& m) { m.optional_scopes = m.required_scopes; }},
      {"networks", [](Manifest& m) { m.networks = {"xmpp"}; }},
  };
  for (const char* id :
       {"", "ab", "Org.Example", "a..b", ".abc", "abc.", "a/b/c", "a b c", "a{b", "{ab", "a:b"}) {
    cases.push_back({"app_id", [id](Manifest& m) { m.app_id = id; }});
  }
  cases.push_back({"app_id", [](Manifest& m) { m.app_id = std::string(101, 'a'); }});
  for (const char* unit :
       {"../x.service", "x.timer", ".service", ".x.service", "-x.service", "x/y.service",
        "longer.timer", "x y.service", "x{.service", "x[.service", "x!.service"}) {
    cases.push_back({"systemd_unit", [unit](Manifest& m) { m.systemd_unit = unit; }});
  }
  cases.push_back(
      {"systemd_unit", [](Manifest& m) { m.systemd_unit = std::string(255, 'x') + ".service"; }});
  ExpectRefused(Translator(), cases);
}

TEST(Manifest, RefusesAGatekeeperThatWantsScopesOrServesNothing) {
  ExpectRefused(Adapter(),
                {
                    {"required_scopes", [](Manifest& m) { m.required_scopes = {Scope::kExport}; }},
                    {"optional_scopes", [](Manifest& m) { m.optional_scopes = {Scope::kExport}; }},
                    {"networks", [](Manifest& m) { m.networks = {}; }},
                    {"networks", [](Manifest& m) { m.networks = {"X MPP"}; }},
                    {"networks", [](Manifest& m) { m.networks = {""}; }},
                    {"networks", [](Manifest& m) { m.networks = {"{"}; }},
                    {"networks", [](Manifest& m) { m.networks = {"x_y"}; }},
                    {"networks", [](Manifest& m) { m.networks = {std::string(33, 'x')}; }},
                    {"networks", [](Manifest& m) { m.networks.assign(17, "xmpp"); }},
                });
}

TEST(Manifest, RefusesAnotherMajorVersionWithBoth) {
  Manifest manifest = Translator();
  manifest.protocol_major = 2;
  manifest.protocol_minor = 7;
  const absl::Status status = ValidateManifest(manifest);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("2.7"), testing::HasSubstr("1.0")));
  manifest.protocol_major = 0;
  EXPECT_EQ(ValidateManifest(manifest).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Manifest, TakesGoodOnes) {
  EXPECT_EQ(ValidateManifest(Translator()), absl::OkStatus());
  EXPECT_EQ(ValidateManifest(Adapter()), absl::OkStatus());
  Manifest manifest = Translator();
  manifest.protocol_major = 1;
  manifest.protocol_minor = 9;
  manifest.data_destination = {DestinationKind::kLeavesDevice, "translate.example"};
  manifest.homepage = "https://example.org/translator";
  manifest.systemd_unit = "translator@1.service";
  manifest.software_version = "1.2.3-beta+4";
  EXPECT_EQ(ValidateManifest(manifest), absl::OkStatus());
  manifest.app_id = "a-b_c.1";
  manifest.homepage = "http://example.org";
  manifest.systemd_unit = "App_2:x-y.z.service";
  manifest.required_scopes = {};
  EXPECT_EQ(ValidateManifest(manifest), absl::OkStatus());
  Manifest adapter = Adapter();
  adapter.networks = {"whats-app2"};
  EXPECT_EQ(ValidateManifest(adapter), absl::OkStatus());
}

}  // namespace
}  // namespace postern::permissions
